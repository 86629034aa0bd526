import Invok
import NIOCore

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

    /// Connects; it fails with what NIO throws.
    static func connect(
        to endpoint: InstanceEndpoint, over network: any ByteNetwork, on eventLoop: any EventLoop,
        settings: TransportSettings
    ) -> EventLoopFuture<InstanceConnection> {
        let address: NetworkAddress =
            switch endpoint {
            case .unixSocket(let path): .unixSocket(path: path)
            }
        return network.connect(to: address, on: eventLoop, timeout: settings.connectTimeout) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(InstanceConnectionHandler(limits: settings.headLimits))
            }
        }.flatMapThrowing { channel in
            let handler = try channel.pipeline.syncOperations.handler(type: InstanceConnectionHandler.self)
            return InstanceConnection(
                endpoint: endpoint, channel: channel, handler: NIOLoopBound(handler, eventLoop: channel.eventLoop))
        }
    }

    /// What drives the connection, for who is on its event loop.
    var driver: InstanceConnectionHandler { handler.value }

    /// Begins an exchange: sends the head, and with it the end when there is no body. Returns when the system has taken
    /// it.
    func begin(_ writer: RequestWriter, isHeadRequest: Bool) async throws {
        try await channel.eventLoop.flatSubmit { [channel, handler] in
            handler.value.begin(isHeadRequest: isHeadRequest, upgrade: writer.upgrade)
            let isWhole = writer.framing == .none
            return handler.value.write(writer.head, isLast: isWhole, on: channel.eventLoop)
        }.get()
    }

    /// Sends bytes of the body. Returns when the system has taken them, which is the backpressure.
    func send(_ bytes: [UInt8]) async throws {
        try await channel.eventLoop.flatSubmit { [channel, handler] in
            handler.value.write(bytes, isLast: false, on: channel.eventLoop)
        }.get()
    }

    /// Ends the request, with its last bytes if there are any.
    func end(_ bytes: [UInt8]) async throws {
        try await channel.eventLoop.flatSubmit { [channel, handler] in
            handler.value.write(bytes, isLast: true, on: channel.eventLoop)
        }.get()
    }

    /// Ends the sending in a tunnel, once the system has taken what was sent before.
    func endOutput() async throws {
        try await channel.eventLoop.submit { [handler] in handler.value.endOutput() }.get()
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

    /// Waits until the connection is closed.
    func closed() async { try? await channel.closeFuture.get() }

    /// Closes a tunnel of which both sides have ended their sending.
    func closeTunnel() { channel.eventLoop.execute { [handler] in handler.value.closeTunnel() } }

    /// Closes at once; from anywhere, any number of times.
    func close() { channel.close(promise: nil) }
}
