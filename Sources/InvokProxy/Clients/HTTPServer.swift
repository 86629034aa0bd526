import HTTPTypes
import Invok
import NIOCore

/// The HTTP/1.1 server: takes connections, and hands each request to a function that answers it.
package struct HTTPServer: Sendable {
    package struct Configuration: Sendable {
        /// Where clients come from.
        package var listener: NetworkAddress
        /// The bounds of a head, and of trailers.
        package var headBytes: Int
        package var headFields: Int
        /// How long, and for how many bytes, the rest of a body that nobody wants is read, so that the client sees the
        /// answer instead of a reset connection.
        package var lingerTime: TimeAmount
        package var lingerBytes: Int
        /// How long a client may take nothing of its answer.
        package var answerTimeout: TimeAmount
        /// What a client may take before anything is known of its request.
        package var limits: ClientLimits
        /// Secures the connections; without it all is said in plain text.
        package var tls: TLSTermination?

        package init(
            listener: NetworkAddress, headBytes: Int, headFields: Int, lingerTime: TimeAmount, lingerBytes: Int,
            answerTimeout: TimeAmount, limits: ClientLimits, tls: TLSTermination? = nil
        ) {
            self.listener = listener
            self.headBytes = headBytes
            self.headFields = headFields
            self.lingerTime = lingerTime
            self.lingerBytes = lingerBytes
            self.answerTimeout = answerTimeout
            self.limits = limits
            self.tls = tls
        }
    }

    /// Who answers.
    package struct Handlers: Sendable {
        /// Answers one request, which may have been a direct call before; done when the answer has ended.
        package typealias Respond =
            @Sendable (HTTPRequest, any RequestBody, any ClientConnection, EarlierTry?) async throws -> Void

        package var respond: Respond
        /// What the client may take for the body of a request, by its head and the peer's address.
        package var limits: @Sendable (HTTPRequest, String) -> ClientLimits
        /// The answer to what is no request.
        package var refusal: @Sendable (MessageFault) -> (head: HTTPResponse, body: [UInt8])
        /// Which requests of a connection from that peer, on that event loop, are direct calls.
        package var direct: (@Sendable (String, any EventLoop) -> any DirectCalls)?

        package init(
            respond: @escaping Respond, limits: @escaping @Sendable (HTTPRequest, String) -> ClientLimits,
            refusal: @escaping @Sendable (MessageFault) -> (head: HTTPResponse, body: [UInt8]),
            direct: (@Sendable (String, any EventLoop) -> any DirectCalls)? = nil
        ) {
            self.direct = direct
            self.respond = respond
            self.limits = limits
            self.refusal = refusal
        }
    }

    private let configuration: Configuration
    private let connections: Connections
    private let handlers: Handlers
    private let instances: ConnectionPool?
    private let network: any ByteNetwork

    /// - Parameters:
    ///   - transport: what direct calls reach instances by, over the same network; without it there are none.
    ///   - network: where clients come from.
    package init(
        configuration: Configuration, connections: Connections, handlers: Handlers,
        transport: UnixSocketTransport? = nil, network: any ByteNetwork
    ) {
        self.configuration = configuration
        self.connections = connections
        self.handlers = handlers
        instances = transport?.pool
        self.network = network
    }

    /// Takes requests until it is told to stop, or the task is cancelled, which ends every connection.
    /// - Parameters:
    ///   - onListening: called with the port once requests are taken; 0 where there is none.
    ///   - stop: returns when no more requests shall be taken; those that run are finished.
    /// - Throws: what NIO throws when it cannot listen.
    package func run(
        onListening: @Sendable (Int) async -> Void, until stop: @escaping @Sendable () async -> Void
    ) async throws {
        // Bounded by the connections: each has one exchange at a time.
        let (exchanges, continuation) = AsyncStream.makeStream(of: ClientExchange.self)
        let listener = try await listen { continuation.yield($0) }
        await onListening(listener.port ?? 0)
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { tasks in
                tasks.addTask {
                    await stop()
                    await listener.close()
                    connections.quiesce { continuation.finish() }
                }
                for await exchange in exchanges {
                    tasks.addTask { await exchange.run(handlers.respond) }
                }
            }
        } onCancel: {
            connections.closeAll()
        }
    }

    private func listen(_ take: @escaping @Sendable (ClientExchange) -> Void) async throws -> NetworkListener {
        try await network.listen(on: configuration.listener) { channel in
            channel.eventLoop.makeCompletedFuture {
                let output = OutputWatch(limit: configuration.answerTimeout)
                let pipeline = channel.pipeline.syncOperations
                if let tls = configuration.tls {
                    // What TLS makes of an answer is what the client has to take.
                    try pipeline.addHandler(output)
                    try pipeline.addHandlers(tls.handlers { refusalOfPlainText() })
                }
                try pipeline.addHandler(
                    ClientHandler(
                        on: channel.eventLoop, configuration: configuration, connections: connections, handlers,
                        instances: instances, output: output, take))
            }
        }
    }

    private func refusalOfPlainText() -> [UInt8] {
        let (head, body) = handlers.refusal(.plainText)
        var writer = AnswerWriter()
        return writer.whole(
            status: head.status.code, reason: head.status.reasonPhrase,
            fields: head.headerFields.lazy.map { (name: $0.name.rawName, value: $0.value) }, body: body)
    }
}
