import Invok
import NIOCore
import NIOHTTP1
import NIOPosix

/// A connection to an instance. It carries one exchange at a time; closing it ends whatever waits on it.
final class InstanceConnection: Sendable {
    let endpoint: InstanceEndpoint
    let channel: any Channel
    private let handler: NIOLoopBound<InstanceConnectionHandler>

    private init(endpoint: InstanceEndpoint, channel: any Channel, handler: NIOLoopBound<InstanceConnectionHandler>) {
        self.endpoint = endpoint
        self.channel = channel
        self.handler = handler
    }

    /// Connects.
    /// - Throws: what NIO throws.
    static func connect(
        to endpoint: InstanceEndpoint, on group: any EventLoopGroup, settings: TransportSettings
    ) async throws -> InstanceConnection {
        let path =
            switch endpoint {
            case .unixSocket(let path): path
            }
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(settings.connectTimeout)
            // Reads are asked for by the handler: that is the backpressure.
            .channelOption(.autoRead, value: false)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try Self.configure(channel, settings: settings) }
            }
        let channel = try await bootstrap.connect(unixDomainSocketPath: path).get()
        let handler = try await channel.eventLoop.submit {
            NIOLoopBound(
                try channel.pipeline.syncOperations.handler(type: InstanceConnectionHandler.self),
                eventLoop: channel.eventLoop)
        }.get()
        return InstanceConnection(endpoint: endpoint, channel: channel, handler: handler)
    }

    private static func configure(_ channel: any Channel, settings: TransportSettings) throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = settings.headBytes
        limits.maxHeaderListSize = settings.headBytes
        limits.maxHeaderFieldCount = settings.headFields
        var encoder = HTTPRequestEncoder.Configuration()
        encoder.automaticallySetFramingHeaders = false
        try channel.pipeline.syncOperations.addHTTPClientHandlers(
            encoderConfiguration: encoder, decoderLimitConfiguration: limits)
        try channel.pipeline.syncOperations.addHandler(InstanceConnectionHandler())
    }

    /// Begins an exchange: sends the head, and the end as well when there is no body. Returns when the system has taken
    /// it.
    func begin(_ head: HTTPRequestHead, hasBody: Bool) async throws {
        try await channel.eventLoop.flatSubmit { [channel, handler] in
            handler.value.begin()
            guard !hasBody else { return handler.value.write(.head(head), on: channel.eventLoop) }
            channel.write(HTTPClientRequestPart.head(head), promise: nil)
            return Self.end(channel, handler)
        }.get()
    }

    /// Sends bytes of the body. Returns when the system has taken them, which is the backpressure.
    func send(_ bytes: [UInt8]) async throws {
        let part = HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: bytes)))
        try await channel.eventLoop.flatSubmit { [channel, handler] in
            handler.value.write(part, on: channel.eventLoop)
        }.get()
    }

    /// Ends the request's body, with its last bytes if there are any.
    func end(with bytes: [UInt8] = []) async throws {
        try await channel.eventLoop.flatSubmit { [channel, handler] in
            if !bytes.isEmpty {
                channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: bytes))), promise: nil)
            }
            return Self.end(channel, handler)
        }.get()
    }

    private static func end(
        _ channel: any Channel, _ handler: NIOLoopBound<InstanceConnectionHandler>
    ) -> EventLoopFuture<Void> {
        handler.value.write(.end(nil), on: channel.eventLoop).map { handler.value.requestDidEnd() }
    }

    /// The next parts of the answer, at least one.
    /// - Throws: when the connection has ended or what came is not HTTP.
    func answer() async throws -> AnswerParts {
        try await channel.eventLoop.flatSubmit { [channel, handler] in handler.value.next(on: channel.eventLoop) }.get()
    }

    /// Ends the request and all that waits on the connection, which closes once the instance has done with the exchange.
    /// From anywhere, any number of times.
    func abandon() { channel.eventLoop.execute { [handler] in handler.value.abandon() } }

    /// Calls back once the connection is closed; at once when it is.
    func whenClosed(_ call: @escaping @Sendable () -> Void) { channel.closeFuture.whenComplete { _ in call() } }

    /// Closes at once; from anywhere, any number of times.
    func close() { channel.close(promise: nil) }
}
