import HTTPTypes
import Hummingbird
import Invok
import InvokGateway
import Logging

/// Answers requests to functions.
struct InvokeHandler: Sendable {
    let invocations: Invocations
    let crossOrigin: CrossOrigin
    let logger: Logger

    /// Answers one request. When the function breaks off in the middle of its answer, so does the connection: a client
    /// must not take a part for the whole.
    func respond(
        to target: InvocationTarget, _ request: HTTPRequest, body: any Invok.RequestBody, requestID: String,
        on connection: any ClientConnection, answer: Answer
    ) async throws {
        let call = CancellableCall()
        connection.whenClientGoes { call.cancel() }
        let result = await call.run { () async -> Result<Void, InvokError> in
            do throws(InvokError) {
                try await invocations.invoke(
                    target, head: Self.forwarded(request, from: connection.client), body: body, requestID: requestID,
                    sink: answer
                )
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
            } else if error.code == .unauthenticated, CrossOrigin.isPreflight(request) {
                // A browser sends no token before it knows that it may; a public function has answered for itself.
                try await answer.write(crossOrigin.preflight(request))
            } else {
                try await answer.write(Problem.response(for: Problem.invokError(error), requestID: requestID))
            }
        }
    }

    /// The request without what concerns the connection it came on, and with what is known about that connection.
    /// Stripping comes first, so that `Connection` cannot name what is added here or later.
    private static func forwarded(_ request: HTTPRequest, from client: String) -> HTTPRequest {
        var forwarded = request
        forwarded.headerFields = request.headerFields.forwardable
        let chain = forwarded.headerFields[ForwardingFields.for].map { "\($0), \(client)" } ?? client
        forwarded.headerFields[ForwardingFields.for] = chain
        // A proxy in front, which ends TLS, knows better.
        if forwarded.headerFields[ForwardingFields.proto] == nil {
            forwarded.headerFields[ForwardingFields.proto] = request.scheme ?? "http"
        }
        if forwarded.headerFields[ForwardingFields.host] == nil {
            forwarded.headerFields[ForwardingFields.host] = request.authority
        }
        return forwarded
    }
}

private enum ForwardingFields {
    static let `for` = HTTPField.Name("X-Forwarded-For")!
    static let proto = HTTPField.Name("X-Forwarded-Proto")!
    static let host = HTTPField.Name("X-Forwarded-Host")!
}
