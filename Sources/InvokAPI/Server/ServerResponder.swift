import HTTPTypes
import Hummingbird
import Invok
import InvokConsole
import InvokProxy
import Logging
import NIOCore

/// Answers every request of the server: those to functions by `InvokeHandler`, the rest by the router.
///
/// It knows nothing of sockets, so that a simulation can call it in its own thread; nothing here or above may wait for
/// an event loop or a real clock.
package struct ServerResponder: Sendable {
    private let system: InvokSystem
    private let api: RouterResponder<APIContext>
    private let configuration: ServerConfiguration
    private let forwarding: ForwardingRules
    private let entrance: EntranceRules
    private let logger: Logger

    package init(system: InvokSystem, configuration: ServerConfiguration, logger: Logger) {
        let table = API.table(system: system, configuration: configuration)
        self.system = system
        self.configuration = configuration
        self.logger = logger
        api = API.router(table, system: system).buildResponder()
        forwarding = ForwardingRules(trustedProxies: configuration.trustedProxies, scheme: configuration.scheme)
        entrance = EntranceRules(
            hosts: configuration.hosts, crossOrigin: CrossOrigin(origins: configuration.corsOrigins),
            servesFunctions: configuration.console == nil)
    }

    /// What goes with one request.
    private struct Exchange: Sendable {
        let requestID: String
        let caller: Caller
        let entry: EntranceRules.Entry
        let connection: any ClientConnection
        let answer: Answer
        let trace: CallTrace
    }

    /// Answers one request.
    /// - Parameter earlier: what the request has come to already.
    /// - Throws: when the answer was cut off; the connection is then of no more use.
    package func respond(
        to request: HTTPRequest, body: any Invok.RequestBody, on connection: any ClientConnection,
        after earlier: EarlierTry? = nil
    ) async throws {
        let clock = system.world.clock
        let (began, trace) = (earlier?.began ?? clock.now(), earlier?.trace ?? CallTrace())
        let requestID = RequestIdentity.make(for: request.headerFields, randomness: system.world.randomness)
        let caller = forwarding.caller(request, peer: connection.client)
        let entry = entrance.entry(of: request, caller)
        let answer = Answer(on: connection, takesTrailers: TrailerRules.areWanted(request.headerFields)) { head in
            decorate(&head, entry, request, requestID)
        }
        defer {
            let (summary, duration) = (answer.summary, began.duration(to: clock.now()))
            if entry.isInvocation {
                let record = trace.record(status: summary.status, answerBytes: summary.bytes, duration: duration)
                system.calls.tasks.record(record, of: trace.function)
            }
            AccessLog.write(
                request, summary, requestID: requestID, client: caller.client, isInvocation: entry.isInvocation,
                duration: duration, to: logger)
        }
        if let failure = earlier?.failure {
            trace.onFailure(CallFailure(failure.code, hasBegun: false))
            return try await answer.write(Problem.response(for: failure, requestID: requestID))
        }
        let exchange = Exchange(
            requestID: requestID, caller: caller, entry: entry, connection: connection, answer: answer, trace: trace)
        try await respond(to: request, body: body, exchange)
    }

    /// Which requests of a connection from that peer, on that event loop, are direct calls.
    @Sendable func calls(from peer: String, on eventLoop: any EventLoop) -> any DirectCalls {
        FunctionCalls(
            system: system, configuration: configuration, forwarding: forwarding, peer: peer,
            shard: system.calls.shard(of: ObjectIdentifier(eventLoop)), logger: logger)
    }

    /// How long the client may take for the body of that request.
    @Sendable func limits(of request: HTTPRequest, from peer: String) -> ClientLimits {
        guard case .function(let target, _) = entrance.entry(of: request, forwarding.caller(request, peer: peer)) else {
            return configuration.clientLimits
        }
        return configuration.clientLimits.of(system.invocations.limits(of: target) ?? .standard)
    }

    /// Adds what every answer carries.
    private func decorate(
        _ head: inout HTTPResponse, _ entry: EntranceRules.Entry, _ request: HTTPRequest, _ requestID: String
    ) {
        head.headerFields[RequestIdentity.header] = requestID
        head.headerFields[.date] = system.world.clock.wallTime().httpDate
        head.headerFields[.server] = configuration.serverName
        // A function's answers are its author's affair.
        guard !entry.isInvocation else { return }
        entrance.crossOrigin.apply(to: &head.headerFields, origin: request.headerFields[.origin])
    }

    /// The answer to what is no request.
    @Sendable func refusal(_ fault: MessageFault) -> (head: HTTPResponse, body: [UInt8]) {
        let requestID = RequestIdentity.make(for: [:], randomness: system.world.randomness)
        logger.debug(
            "a malformed request was refused", metadata: ["reason": "\(fault)", "request_id": "\(requestID)"])
        var (head, body) = Problem.message(for: InvokError(fault), requestID: requestID)
        head.headerFields[RequestIdentity.header] = requestID
        head.headerFields[.date] = system.world.clock.wallTime().httpDate
        head.headerFields[.server] = configuration.serverName
        return (head, Array(body.readableBytesView))
    }

    private func respond(to request: HTTPRequest, body: any Invok.RequestBody, _ exchange: Exchange) async throws {
        switch exchange.entry {
        case .refused(let error):
            try await exchange.answer.write(Problem.response(for: error, requestID: exchange.requestID))
        case .function(let target, let sharedPath):
            let handler = InvokeHandler(
                invocations: system.invocations, rules: FunctionAnswerRules(path: sharedPath), logger: logger)
            try await handler.respond(
                to: target,
                forwarding.forwarded(request.forwardable, of: exchange.caller, prefix: sharedPath), body: body,
                requestID: exchange.requestID, stranger: { configuration.strangerKey(of: exchange.caller) },
                on: exchange.connection, answer: exchange.answer, trace: exchange.trace)
        case .preflight: try await exchange.answer.write(entrance.crossOrigin.preflight(request))
        case .api:
            if let file = await configuration.console?.answer(to: request) {
                let body = ResponseBody(byteBuffer: ByteBuffer(bytes: file.body))
                return try await exchange.answer.write(
                    Response(status: file.head.status, headers: file.head.headerFields, body: body))
            }
            var context = APIContext(
                source: APIContext.Source(connection: exchange.connection, caller: exchange.caller, logger: logger))
            context.requestID = exchange.requestID
            let request = Request(
                head: request, body: .init(asyncSequence: RequestBodyChunks(body: body)))
            try await exchange.answer.write(try await api.respond(to: request, context: context))
        }
    }
}

extension HTTPRequest {
    /// Without what concerns the connection it came on. Stripping comes first, so that `Connection` cannot name what is
    /// added later. An upgrade that the function may take is offered anew.
    fileprivate var forwardable: HTTPRequest {
        var request = self
        request.headerFields = headerFields.forwardable
        request.headerFields[.upgrade] = offeredUpgrade
        return request
    }
}

extension InvokError {
    /// What is no request, for whoever sent it.
    fileprivate init(_ fault: MessageFault) {
        switch fault {
        case .plainText:
            self = .invalidRequest(
                "this server speaks TLS, and the request came in plain text", nextStep: "begin the URL with https://")
        case .tunnel: self.init(.notImplemented, "CONNECT is not served", nextStep: "send the request itself")
        case .expectation:
            self.init(
                .expectationFailed, "the only expectation that can be met is '100-continue'",
                nextStep: "send the request without Expect")
        case .headTooLarge, .tooManyFields: self = .invalidRequest("the head of the request is too large")
        default: self = .invalidRequest("the request is malformed: it has \(fault)")
        }
    }
}
