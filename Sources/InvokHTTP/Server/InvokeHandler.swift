import HTTPTypes
import Hummingbird
import Invok
import Logging

/// Answers requests to functions.
struct InvokeHandler: Sendable {
    let invocations: Invocations
    let rules: FunctionAnswerRules
    let logger: Logger

    /// Answers one request. When the function breaks off in the middle of its answer, so does the connection: a client
    /// must not take a part for the whole.
    /// - Parameter request: as the function may see it, but for what `Invocations` takes out.
    func respond(
        to target: InvocationTarget, _ request: HTTPRequest, body: any Invok.RequestBody, requestID: String,
        on connection: any ClientConnection, answer: Answer
    ) async throws {
        let call = CancellableCall()
        connection.whenClientGoes { call.cancel() }
        let sink = LimitedSink(answer, rules: rules) { cookies in
            logger.notice(
                "a function's cookies were dropped: on an origin that functions share, none may be the whole host's",
                metadata: [
                    "cookies": "\(cookies.joined(separator: ", "))", "function": "\(target.namespace)/\(target.name)",
                    "request_id": "\(requestID)",
                ])
        }
        let result = await call.run { () async -> Result<Void, InvokError> in
            do throws(InvokError) {
                try await invocations.invoke(target, head: request, body: body, requestID: requestID, sink: sink)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        do throws(InvokError) {
            try result.get()
        } catch {
            if let inner = error.inner {
                logger.debug(
                    "an invocation failed",
                    metadata: [
                        "code": "\(error.code.rawValue)", "error": "\(inner)", "request_id": "\(requestID)",
                    ])
            }
            if answer.hasBegun || call.isCancelled {
                connection.close()
            } else {
                try await answer.write(Problem.response(for: Problem.invokError(error), requestID: requestID))
            }
        }
    }
}

/// Passes a function's answer on, without what speaks for more than the function.
private final class LimitedSink: ResponseSink {
    private let sink: any ResponseSink
    private let rules: FunctionAnswerRules
    private let onDropped: @Sendable ([String]) -> Void

    init(_ sink: any ResponseSink, rules: FunctionAnswerRules, onDropped: @escaping @Sendable ([String]) -> Void) {
        self.sink = sink
        self.rules = rules
        self.onDropped = onDropped
    }

    func writeHead(_ head: HTTPResponse) async throws {
        var head = head
        let (fields, dropped) = rules.apply(to: head.headerFields)
        head.headerFields = fields
        if !dropped.isEmpty { onDropped(dropped) }
        try await sink.writeHead(head)
    }

    func writeChunk(_ bytes: [UInt8]) async throws { try await sink.writeChunk(bytes) }
    func finish(trailers: HTTPFields?) async throws { try await sink.finish(trailers: trailers) }
}
