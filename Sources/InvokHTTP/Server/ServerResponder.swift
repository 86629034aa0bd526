import HTTPTypes
public import Hummingbird
public import Invok
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
    private let crossOrigin: CrossOrigin
    private let logger: Logger

    public init(system: InvokSystem, configuration: ServerConfiguration, logger: Logger) {
        let table = API.table(system: system, configuration: configuration)
        self.system = system
        self.configuration = configuration
        self.logger = logger
        api = API.router(table, system: system).buildResponder()
        crossOrigin = CrossOrigin(origins: configuration.corsOrigins)
    }

    /// Answers one request. Returns when the answer has ended and the request's body is read or given up.
    /// - Throws: when the answer was cut off; the connection is then of no more use.
    public func respond(to request: Request, on connection: any ClientConnection) async throws {
        let clock = system.world.clock
        let began = clock.now()
        let requestID = RequestIdentity.make(for: request.headers, randomness: system.world.randomness)
        let origin = request.headers[.origin]
        let answer = Answer(on: connection, takesTrailers: TrailerRules.areWanted(request.headers)) {
            [configuration, crossOrigin] head in
            head.headerFields[RequestIdentity.header] = requestID
            head.headerFields[.date] = clock.wallTime().httpDate
            if let name = configuration.serverName, head.headerFields[.server] == nil {
                head.headerFields[.server] = name
            }
            crossOrigin.apply(to: &head.headerFields, origin: origin)
        }
        defer {
            AccessLog.write(
                request.head, answer.summary, requestID: requestID, client: connection.client,
                duration: began.duration(to: clock.now()), to: logger)
        }
        if request.declaresBody {
            try await respondReadingBody(request, requestID, connection, answer)
        } else {
            try await respond(to: request, body: EmptyBody(), requestID, connection, answer)
        }
    }

    /// The answer to what is no request.
    /// - Parameter error: what is wrong with it.
    func refusal(_ error: InvokError) -> (head: HTTPResponse, body: ByteBuffer) {
        let requestID = RequestIdentity.make(for: [:], randomness: system.world.randomness)
        logger.debug(
            "a malformed request was refused", metadata: ["reason": "\(error.message)", "request_id": "\(requestID)"])
        var (head, body) = Problem.message(for: error, requestID: requestID)
        head.headerFields[RequestIdentity.header] = requestID
        head.headerFields[.date] = system.world.clock.wallTime().httpDate
        head.headerFields[.server] = configuration.serverName
        return (head, body)
    }

    private func respond(
        to request: Request, body: any Invok.RequestBody, _ requestID: String, _ connection: any ClientConnection,
        _ answer: Answer
    ) async throws {
        if let target = InvocationTarget(requestPath: request.head.path ?? "") {
            let handler = InvokeHandler(
                invocations: system.invocations, crossOrigin: crossOrigin, logger: logger)
            try await handler.respond(
                to: target, request.head, body: body, requestID: requestID, on: connection, answer: answer)
        } else if CrossOrigin.isPreflight(request.head) {
            try await answer.write(crossOrigin.preflight(request.head))
        } else {
            var context = APIContext(source: APIContext.Source(connection: connection, logger: logger))
            context.requestID = requestID
            try await answer.write(try await api.respond(to: request, context: context))
        }
    }

    private enum BodyEnd {
        case whole, broken, tooLate
    }

    /// Reads the body in a task of its own, which has ended when this returns: the server reads on after it.
    private func respondReadingBody(
        _ request: Request, _ requestID: String, _ connection: any ClientConnection, _ answer: Answer
    ) async throws {
        let waits = request.headers[.expect]?.lowercased() == "100-continue"
        let feed = RequestBodyFeed { if waits { answer.sendContinue() } }
        let fed = Request(head: request.head, body: .init(asyncSequence: RequestBodyChunks(body: feed)))
        let clock = system.world.clock
        let result = await withTaskGroup(of: BodyEnd.self) { group in
            group.addTask { await feed.run(request.body) ? .whole : .broken }
            let result: Result<Void, any Error>
            do {
                result = .success(try await respond(to: fed, body: feed, requestID, connection, answer))
            } catch {
                result = .failure(error)
                connection.close()
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
            if await group.next() != .whole { connection.close() }
            group.cancelAll()
            return result
        }
        try result.get()
    }
}
