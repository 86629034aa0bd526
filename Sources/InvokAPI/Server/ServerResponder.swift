import HTTPTypes
public import Hummingbird
public import Invok
import InvokProxy
public import Logging
import NIOCore

/// Answers every request of the server: those to functions by `InvokeHandler`, the rest by the router.
///
/// It knows nothing of sockets, so that a simulation can call it in its own thread; nothing here or above may wait for
/// an event loop or a real clock.
public struct ServerResponder: Sendable {
    private let system: InvokSystem
    private let api: RouterResponder<APIContext>
    private let configuration: ServerConfiguration
    private let forwarding: ForwardingRules
    private let entrance: EntranceRules
    private let logger: Logger

    public init(system: InvokSystem, configuration: ServerConfiguration, logger: Logger) {
        let table = API.table(system: system, configuration: configuration)
        self.system = system
        self.configuration = configuration
        self.logger = logger
        api = API.router(table, system: system).buildResponder()
        forwarding = ForwardingRules(trustedProxies: configuration.trustedProxies)
        entrance = EntranceRules(
            hosts: configuration.hosts, crossOrigin: CrossOrigin(origins: configuration.corsOrigins))
    }

    /// What goes with one request.
    private struct Exchange: Sendable {
        let requestID: String
        let caller: Caller
        let entry: EntranceRules.Entry
        let connection: any ClientConnection
        let answer: Answer
    }

    /// Answers one request. Returns when the answer has ended and the request's body is read or given up.
    /// - Throws: when the answer was cut off; the connection is then of no more use.
    public func respond(to request: Request, on connection: any ClientConnection) async throws {
        let clock = system.world.clock
        let began = clock.now()
        let requestID = RequestIdentity.make(for: request.headers, randomness: system.world.randomness)
        let caller = forwarding.caller(request.head, peer: connection.client)
        let entry = entrance.entry(of: request.head, caller)
        let answer = Answer(on: connection, takesTrailers: TrailerRules.areWanted(request.headers)) { head in
            decorate(&head, entry, request.head, requestID)
        }
        defer {
            AccessLog.write(
                request.head, answer.summary, requestID: requestID, client: caller.client,
                isInvocation: entry.isInvocation, duration: began.duration(to: clock.now()), to: logger)
        }
        let exchange = Exchange(
            requestID: requestID, caller: caller, entry: entry, connection: connection, answer: answer)
        if request.declaresBody {
            try await respondReadingBody(request, exchange)
        } else {
            try await respond(to: request, body: EmptyBody(), exchange)
        }
    }

    /// How long the client may take for the body of that request.
    @Sendable func limits(of request: HTTPRequest, from peer: String) -> ClientLimits {
        guard case .function(let target, _) = entrance.entry(of: request, forwarding.caller(request, peer: peer)) else {
            return configuration.clientLimits
        }
        return configuration.clientLimits(of: system.invocations.limits(of: target) ?? .standard)
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
    /// - Parameter error: what is wrong with it.
    func refusal(_ error: InvokError) -> (head: HTTPResponse, body: ByteBuffer) {
        let requestID = RequestIdentity.make(for: [:], randomness: system.world.randomness)
        logger.debug(
            "a malformed request was refused",
            metadata: ["reason": "\(error.message)", "request_id": "\(requestID)"])
        var (head, body) = Problem.message(for: error, requestID: requestID)
        head.headerFields[RequestIdentity.header] = requestID
        head.headerFields[.date] = system.world.clock.wallTime().httpDate
        head.headerFields[.server] = configuration.serverName
        return (head, body)
    }

    private func respond(to request: Request, body: any Invok.RequestBody, _ exchange: Exchange) async throws {
        switch exchange.entry {
        case .refused(let error):
            try await exchange.answer.write(Problem.response(for: error, requestID: exchange.requestID))
        case .function(let target, let sharedPath):
            let handler = InvokeHandler(
                invocations: system.invocations, rules: FunctionAnswerRules(path: sharedPath), logger: logger)
            try await handler.respond(
                to: target, forwarding.forwarded(request.head.forwardable, of: exchange.caller), body: body,
                requestID: exchange.requestID, stranger: { configuration.strangerKey(of: exchange.caller) },
                on: exchange.connection, answer: exchange.answer)
        case .preflight: try await exchange.answer.write(entrance.crossOrigin.preflight(request.head))
        case .api:
            var context = APIContext(
                source: APIContext.Source(connection: exchange.connection, caller: exchange.caller, logger: logger))
            context.requestID = exchange.requestID
            try await exchange.answer.write(try await api.respond(to: request, context: context))
        }
    }

    private enum BodyEnd {
        case whole, broken, tooLate
    }

    /// Reads the body in a task of its own, which has ended when this returns: the server reads on after it.
    private func respondReadingBody(_ request: Request, _ exchange: Exchange) async throws {
        let waits = request.headers[.expect]?.lowercased() == "100-continue"
        let feed = RequestBodyFeed { if waits { exchange.answer.sendContinue() } }
        let fed = Request(head: request.head, body: .init(asyncSequence: RequestBodyChunks(body: feed)))
        let clock = system.world.clock
        let result = await withTaskGroup(of: BodyEnd.self) { group in
            group.addTask { await feed.run(request.body) ? .whole : .broken }
            let result: Result<Void, any Error>
            do {
                result = .success(try await respond(to: fed, body: feed, exchange))
            } catch {
                result = .failure(error)
                exchange.connection.close()
            }
            if !feed.hasEnded {
                feed.discardRest(upTo: configuration.lingerBytes)
                let limit = clock.now().advanced(by: .nanoseconds(configuration.lingerTime.nanoseconds))
                group.addTask {
                    try? await clock.sleep(until: limit)
                    return .tooLate
                }
            }
            // A body that is closed ends too, so that the group does not wait for a slow client.
            if await group.next() != .whole { exchange.connection.close() }
            group.cancelAll()
            return result
        }
        try result.get()
    }
}

extension HTTPRequest {
    /// Without what concerns the connection it came on. Stripping comes first, so that `Connection` cannot name what is
    /// added later.
    fileprivate var forwardable: HTTPRequest {
        var request = self
        request.headerFields = headerFields.forwardable
        return request
    }
}
