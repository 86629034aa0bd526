import HTTPTypes
import Hummingbird
import HummingbirdCore
import Invok
import Logging
import NIOCore
import NIOHTTPTypes

/// Answers every request of the server: those to functions by `InvokeHandler`, the rest by the router.
struct ServerResponder: Sendable {
    let system: InvokSystem
    let api: RouterResponder<APIContext>
    let configuration: ServerConfiguration
    let crossOrigin: CrossOrigin
    let logger: Logger

    func respond(to request: Request, _ writer: consuming ResponseWriter, on channel: any Channel) async throws {
        let clock = system.world.clock
        let began = clock.now()
        let requestID = RequestIdentity.make(for: request.headers, randomness: system.world.randomness)
        let origin = request.headers[.origin]
        let answer = Answer(writer: writer, channel: channel) { [configuration, crossOrigin] head in
            head.headerFields[RequestIdentity.header] = requestID
            head.headerFields[.date] = clock.wallTime().httpDate
            if let name = configuration.serverName, head.headerFields[.server] == nil {
                head.headerFields[.server] = name
            }
            crossOrigin.apply(to: &head.headerFields, origin: origin)
        }
        defer {
            AccessLog.write(
                request.head, answer.summary, requestID: requestID,
                client: channel.remoteAddress?.ipAddress ?? "unknown",
                duration: began.duration(to: clock.now()), to: logger)
        }
        if request.declaresBody {
            try await respondReadingBody(request, requestID, channel, answer)
        } else {
            try await respond(to: request, body: EmptyBody(), requestID, channel, answer)
        }
    }

    /// The answer to what is no request.
    /// - Parameter reason: what is wrong with it.
    func refusal(_ reason: String) -> (head: HTTPResponse, body: ByteBuffer) {
        let requestID = RequestIdentity.make(for: [:], randomness: system.world.randomness)
        logger.debug(
            "a malformed request was refused", metadata: ["reason": "\(reason)", "request_id": "\(requestID)"])
        var (head, body) = Problem.message(for: .invalidRequest(reason), requestID: requestID)
        head.headerFields[RequestIdentity.header] = requestID
        head.headerFields[.date] = system.world.clock.wallTime().httpDate
        head.headerFields[.server] = configuration.serverName
        return (head, body)
    }

    private func respond(
        to request: Request, body: any Invok.RequestBody, _ requestID: String, _ channel: any Channel, _ answer: Answer
    ) async throws {
        if let target = InvocationTarget(requestPath: request.head.path ?? "") {
            let handler = InvokeHandler(
                invocations: system.invocations, crossOrigin: crossOrigin, logger: logger)
            try await handler.respond(
                to: target, request.head, body: body, requestID: requestID, channel: channel, answer: answer)
        } else if CrossOrigin.isPreflight(request.head) {
            try await answer.write(crossOrigin.preflight(request.head))
        } else {
            var context = APIContext(source: ApplicationRequestContextSource(channel: channel, logger: logger))
            context.requestID = requestID
            try await answer.write(try await api.respond(to: request, context: context))
        }
    }

    /// Reads the body in a task of its own, which has ended when this returns: the server reads on after it.
    private func respondReadingBody(
        _ request: Request, _ requestID: String, _ channel: any Channel, _ answer: Answer
    ) async throws {
        let waits = request.headers[.expect]?.lowercased() == "100-continue"
        let feed = RequestBodyFeed { if waits { answer.sendContinue() } }
        let fed = Request(head: request.head, body: .init(asyncSequence: RequestBodyChunks(body: feed)))
        let result = await withTaskGroup(of: Bool.self) { group in
            group.addTask { await feed.run(request.body) }
            let result: Result<Void, any Error>
            do {
                result = .success(try await respond(to: fed, body: feed, requestID, channel, answer))
            } catch {
                result = .failure(error)
                channel.close(promise: nil)
            }
            feed.discardRest(upTo: configuration.lingerBytes)
            let limit = channel.eventLoop.scheduleTask(in: configuration.lingerTime) { channel.close(promise: nil) }
            if await group.next() != true { channel.close(promise: nil) }
            limit.cancel()
            return result
        }
        try result.get()
    }
}
