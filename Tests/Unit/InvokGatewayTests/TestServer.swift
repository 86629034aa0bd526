import Invok
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A server on a unix socket of its own that hands each connection's bytes to a script.
struct TestServer: Sendable {
    let endpoint: InstanceEndpoint
    private let accepted: Counter

    /// How many connections have come.
    var connections: Int { accepted.value }

    /// Runs a server while `body` runs. The script of a connection may return to close it.
    @discardableResult
    static func run<Value: Sendable>(
        script: @escaping @Sendable (ServerConnection) async throws -> Void,
        body: (TestServer) async throws -> Value
    ) async throws -> Value {
        let path = "/tmp/invok-\(UInt64.random(in: .min ... .max)).sock"
        let accepted = Counter()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await withThrowingDiscardingTaskGroup { connections in
                    try await listener.executeThenClose { inbound in
                        for try await channel in inbound {
                            accepted.increment()
                            connections.addTask {
                                // A connection that breaks is part of the tests.
                                try? await channel.executeThenClose { inbound, outbound in
                                    let connection = ServerConnection(
                                        inbound: inbound, outbound: outbound, channel: channel.channel)
                                    try await script(connection)
                                }
                            }
                        }
                    }
                }
            }
            let value = try await body(TestServer(endpoint: .unixSocket(path), accepted: accepted))
            group.cancelAll()
            // Ends with the cancellation.
            while let result = await group.nextResult() { _ = result }
            return value
        }
    }

    /// A server that answers each request on a connection with the same bytes, once it has read the head.
    static func answering<Value: Sendable>(
        _ answer: String, body: (TestServer) async throws -> Value
    ) async throws -> Value {
        try await run { connection in
            while try await connection.head() != nil { try await connection.write(answer) }
        } body: {
            try await body($0)
        }
    }
}

final class Counter: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .sequentiallyConsistent) }
    func increment() { count.add(1, ordering: .sequentiallyConsistent) }
}

/// The bytes of one connection, used by one task at a time.
final class ServerConnection: @unchecked Sendable {
    private var iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private let channel: any Channel
    private var kept = ByteBuffer()

    init(
        inbound: NIOAsyncChannelInboundStream<ByteBuffer>, outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
        channel: any Channel
    ) {
        iterator = inbound.makeAsyncIterator()
        self.outbound = outbound
        self.channel = channel
    }

    /// The next request's head, or `nil` at the end.
    func head() async throws -> String? { try await text(through: "\r\n\r\n") }

    /// All up to and with a mark, or `nil` when the connection ends before it.
    func text(through mark: String) async throws -> String? {
        while true {
            let text = String(buffer: kept)
            if let range = text.firstRange(of: mark) {
                let found = String(text[..<range.upperBound])
                kept.moveReaderIndex(forwardBy: found.utf8.count)
                return found
            }
            guard try await more() else { return nil }
        }
    }

    /// So many bytes, or fewer when the connection ends.
    func bytes(_ count: Int) async throws -> Int {
        var read = 0
        while true {
            let take = min(kept.readableBytes, count - read)
            kept.moveReaderIndex(forwardBy: take)
            read += take
            if read == count { return read }
            guard try await more() else { return read }
        }
    }

    private func more() async throws -> Bool {
        kept.discardReadBytes()
        guard let buffer = try await iterator.next() else { return false }
        kept.writeImmutableBuffer(buffer)
        return true
    }

    func write(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }

    func write(repeating byte: UInt8, count: Int) async throws {
        try await outbound.write(ByteBuffer(repeating: byte, count: count))
    }

    /// Waits until the client has closed.
    func closed() async throws {
        while try await more() { kept.clear() }
    }

    func close() async throws { try await channel.close() }
}
