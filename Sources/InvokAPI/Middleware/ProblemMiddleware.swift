import HTTPTypes
import Hummingbird
import Invok
import Logging
import NIOCore

/// Names the request and answers every error as a problem, one for an unknown path or method too.
struct ProblemMiddleware: RouterMiddleware {
    let table: RouteTable
    let randomness: any Randomness

    func handle(
        _ request: Request, context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        if context.requestID.isEmpty {
            context.requestID = RequestIdentity.make(for: request.headers, randomness: randomness)
        }
        context.logger[metadataKey: "request_id"] = "\(context.requestID)"
        var response: Response
        do {
            response = try await next(request, context)
        } catch {
            response = answer(error, to: request, context)
        }
        response.headers[RequestIdentity.header] = context.requestID
        SecurityFields.apply(to: &response.headers)
        return response
    }

    private func answer(_ error: any Error, to request: Request, _ context: APIContext) -> Response {
        if (error as? HTTPError)?.status == .notFound {
            let methods = table.methods(at: request.uri.path)
            if !methods.isEmpty { return methodNotAllowed(methods, context) }
        }
        return Problem.response(for: Self.noted(error, at: request.uri.path, context), requestID: context.requestID)
    }

    /// The problem of an error for whose answer a status has gone out already.
    static func problem(_ error: any Error, at path: String, _ context: APIContext) -> ByteBuffer {
        Problem.message(for: noted(error, at: path, context), requestID: context.requestID).body
    }

    private static func noted(_ error: any Error, at path: String, _ context: APIContext) -> InvokError {
        let error = Problem.invokError(error)
        if let inner = error.inner {
            context.logger.error(
                "a request failed",
                metadata: ["code": "\(error.code.rawValue)", "path": "\(path)", "error": "\(inner)"])
        }
        return error
    }

    private func methodNotAllowed(_ methods: [HTTPRequest.Method], _ context: APIContext) -> Response {
        let names = methods.map(\.rawValue).joined(separator: ", ")
        let error = InvokError(.methodNotAllowed, "this path takes \(names) only")
        var response = Problem.response(for: error, requestID: context.requestID)
        response.headers[.allow] = names
        return response
    }
}
