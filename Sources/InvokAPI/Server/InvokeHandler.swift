import HTTPTypes
import Hummingbird
import Invok
import InvokProxy
import Logging

/// Answers requests to functions.
struct InvokeHandler: Sendable {
    let invocations: Invocations
    let rules: FunctionAnswerRules
    let logger: Logger

    /// Answers one request. When the function breaks off in the middle of its answer, so does the connection: a client
    /// must not take a part for the whole.
    /// - Parameters:
    ///   - request: as the function may see it, but for what `Invocations` takes out.
    ///   - stranger: what callers without an account are told apart by, unless `nil`.
    func respond(
        to target: InvocationTarget, _ request: HTTPRequest, body: any Invok.RequestBody, requestID: String,
        stranger: @escaping @Sendable () -> String?, on connection: any ClientConnection, answer: Answer,
        trace: CallTrace
    ) async throws {
        let origin = request.headerFields[.origin]
        let crossOrigin = CrossOrigin(origins: origin == nil ? [] : invocations.origins(of: target))
        if let origin, CrossOrigin.isPreflight(request), crossOrigin.allows(origin.lowercased()) {
            // A browser sends no token with it, so the function itself could not be asked.
            return try await answer.write(crossOrigin.preflight(request))
        }
        let call = CancellableCall()
        connection.whenClientGoes { call.cancel() }
        let sink = LimitedSink(answer, rules: rules, crossOrigin: crossOrigin, origin: origin) { cookies in
            Self.log(cookies, of: "\(target.namespace)/\(target.name)", requestID: requestID, to: logger)
        }
        let result = await call.run { () async -> Result<Void, InvokError> in
            do throws(InvokError) {
                try await invocations.invoke(
                    target, head: request, body: body, requestID: requestID, stranger: stranger, sink: sink,
                    trace: trace)
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
            trace.onFailure(call.isCancelled ? .clientGone : CallFailure(error.code, hasBegun: answer.hasBegun))
            if answer.hasBegun || call.isCancelled {
                connection.close()
            } else {
                var response = Problem.response(for: Problem.invokError(error), requestID: requestID)
                crossOrigin.apply(to: &response.headers, origin: origin)
                try await answer.write(response)
            }
        }
    }
}

extension InvokeHandler {
    /// Tells the operator of cookies that were dropped.
    static func log(_ cookies: [String], of function: String, requestID: String, to logger: Logger) {
        logger.notice(
            "a function's cookies were dropped: on an origin that functions share, none may be the whole host's",
            metadata: [
                "cookies": "\(cookies.joined(separator: ", "))", "function": "\(function)",
                "request_id": "\(requestID)",
            ])
    }
}

/// Passes a function's answer on, without what speaks for more than the function.
private final class LimitedSink: ResponseSink {
    private let sink: any ResponseSink
    private let rules: FunctionAnswerRules
    private let crossOrigin: CrossOrigin
    private let origin: String?
    private let onDropped: @Sendable ([String]) -> Void

    init(
        _ sink: any ResponseSink, rules: FunctionAnswerRules, crossOrigin: CrossOrigin, origin: String?,
        onDropped: @escaping @Sendable ([String]) -> Void
    ) {
        self.sink = sink
        self.rules = rules
        self.crossOrigin = crossOrigin
        self.origin = origin
        self.onDropped = onDropped
    }

    func writeHead(_ head: HTTPResponse) async throws {
        var head = head
        let (fields, dropped) = rules.apply(to: head.headerFields)
        head.headerFields = fields
        crossOrigin.apply(to: &head.headerFields, origin: origin)
        if !dropped.isEmpty { onDropped(dropped) }
        try await sink.writeHead(head)
    }

    func writeChunk(_ bytes: [UInt8]) async throws { try await sink.writeChunk(bytes) }
    func finish(trailers: HTTPFields?) async throws { try await sink.finish(trailers: trailers) }
}
