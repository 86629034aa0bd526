import NIOCore
import NIOPosix
import NIOSSL

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A connection whose bytes a test reads and writes itself. Used by one task at a time; reads from the socket only when
/// asked, and waits until the system has taken what it writes.
///
/// Unlike NIO's asynchronous channels it may be dropped at any moment, as happens to a connection that nobody has
/// accepted yet when a test ends.
public final class ByteConnection: @unchecked Sendable {
    private let channel: any Channel
    private var received: AsyncThrowingStream<ByteBuffer, any Error>.AsyncIterator
    private var kept = ByteBuffer()

    fileprivate init(channel: any Channel, received: AsyncThrowingStream<ByteBuffer, any Error>) {
        self.channel = channel
        self.received = received.makeAsyncIterator()
    }

    deinit { channel.close(promise: nil) }

    /// Reads and writes a channel that somebody else makes. To be called on its event loop, where it is set up.
    /// - Parameter whenActive: gets the connection once it may be used.
    public static func attach(
        to channel: any Channel, whenActive: @escaping @Sendable (ByteConnection) -> Void = { _ in }
    ) throws {
        let (stream, receiver) = AsyncThrowingStream<ByteBuffer, any Error>.makeStream()
        let handler = Receiver(receiver) { [unowned channel] in
            whenActive(ByteConnection(channel: channel, received: stream))
        }
        try channel.pipeline.syncOperations.addHandler(handler)
    }

    /// Connects to a port of this machine. The connection stays half open when the server ends its side.
    /// - Parameter tls: secures it; what is wrong then is thrown by what is written or read.
    public static func connect(port: Int, tls: TLSClient? = nil) async throws -> ByteConnection {
        let (stream, receiver) = AsyncThrowingStream<ByteBuffer, any Error>.makeStream()
        let context = try tls?.context()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: nil))
                    }
                    try channel.pipeline.syncOperations.addHandler(Receiver(receiver))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        // TLS goes on reading by itself, once it has begun, until there is something to pass on.
        if context != nil { channel.read() }
        return ByteConnection(channel: channel, received: stream)
    }

    // MARK: Reading

    /// All up to and with a mark, or `nil` when the connection ends before it.
    public func bytes(through mark: String) async throws -> [UInt8]? {
        let mark = Array(mark.utf8)
        var searched = 0
        while true {
            if let range = kept.readableBytesView.dropFirst(searched).firstRange(of: mark) {
                return kept.readBytes(length: range.upperBound - kept.readerIndex)
            }
            // The mark may have begun in the last bytes.
            searched = max(0, kept.readableBytes - mark.count + 1)
            guard try await more() else { return nil }
        }
    }

    /// The same as text.
    public func text(through mark: String) async throws -> String? {
        try await bytes(through: mark).map { String(decoding: $0, as: UTF8.self) }
    }

    /// So many bytes, or `nil` when the connection ends before.
    public func bytes(_ count: Int) async throws -> [UInt8]? {
        while kept.readableBytes < count { guard try await more() else { return nil } }
        return kept.readBytes(length: count)
    }

    /// Drops so many bytes.
    /// - Returns: how many there were until the connection ended.
    @discardableResult
    public func skip(_ count: Int) async throws -> Int {
        var skipped = 0
        while true {
            let taken = min(kept.readableBytes, count - skipped)
            kept.moveReaderIndex(forwardBy: taken)
            skipped += taken
            if skipped == count { return skipped }
            guard try await more() else { return skipped }
        }
    }

    /// All that comes until the other side ends the connection.
    public func rest() async throws -> [UInt8] {
        while try await more() {}
        return kept.readBytes(length: kept.readableBytes) ?? []
    }

    /// Waits until the other side has ended the connection. A reset is an end, too, and so is one without TLS's farewell.
    public func closed() async throws {
        do {
            while try await more() { kept.clear() }
        } catch is IOError {
        } catch NIOSSLError.uncleanShutdown {}
    }

    private func more() async throws -> Bool {
        kept.discardReadBytes()
        channel.read()
        guard let buffer = try await received.next() else { return false }
        kept.writeImmutableBuffer(buffer)
        return true
    }

    // MARK: Writing

    public func write(_ text: String) async throws { try await write(Array(text.utf8)) }

    public func write(_ bytes: [UInt8]) async throws {
        let channel = channel
        try await withTaskCancellationHandler {
            try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    /// Whether the system takes more at once.
    public var isWritable: Bool { channel.isWritable }

    /// Ends the sending; what comes is still read.
    public func finish() async throws { try await channel.close(mode: .output) }

    public func close() async throws { try await channel.close() }

    /// Ends the connection of a client by a reset.
    public func reset() async throws {
        try await (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try await channel.close()
    }
}

/// Servers on a unix socket whose connections a script answers.
public enum ByteServer {
    /// Listens while `body` runs. The script of a connection returns to close it; one that fails is part of a test.
    public static func run<Value: Sendable>(
        unixSocket path: String, script: @escaping @Sendable (ByteConnection) async throws -> Void,
        body: () async throws -> Value
    ) async throws -> Value {
        try await run(script: script) { bootstrap in
            try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
        } body: { _ in
            try await body()
        }
    }

    /// The same on any free port of loopback, which `body` is told.
    public static func run<Value: Sendable>(
        script: @escaping @Sendable (ByteConnection) async throws -> Void, body: (_ port: Int) async throws -> Value
    ) async throws -> Value {
        try await run(script: script) { bootstrap in
            try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
        } body: { listener in
            try await body(listener.localAddress?.port ?? 0)
        }
    }

    private static func run<Value: Sendable>(
        script: @escaping @Sendable (ByteConnection) async throws -> Void,
        bind: (ServerBootstrap) async throws -> any Channel, body: (any Channel) async throws -> Value
    ) async throws -> Value {
        let (accepted, continuation) = AsyncStream<ByteConnection>.makeStream()
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // What is asked of a channel before it is active gets lost.
                    try ByteConnection.attach(to: channel) { _ = continuation.yield($0) }
                }
            }
        let listener = try await bind(bootstrap)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await withDiscardingTaskGroup { connections in
                    for await connection in accepted {
                        connections.addTask {
                            try? await script(connection)
                            try? await connection.close()
                        }
                    }
                }
            }
            defer { group.cancelAll() }
            let value = try await body(listener)
            try await listener.close()
            return value
        }
    }
}

/// Hands what comes to a stream.
private final class Receiver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let received: AsyncThrowingStream<ByteBuffer, any Error>.Continuation

    private let whenActive: () -> Void

    init(_ received: AsyncThrowingStream<ByteBuffer, any Error>.Continuation, whenActive: @escaping () -> Void = {}) {
        self.received = received
        self.whenActive = whenActive
    }

    func channelActive(context: ChannelHandlerContext) { whenActive() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { received.yield(Self.unwrapInboundIn(data)) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { received.finish() }
    }

    func channelInactive(context: ChannelHandlerContext) { received.finish() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        received.finish(throwing: error)
        context.close(promise: nil)
    }
}
