import HTTPTypes
import Invok

/// The functions themselves, which the server takes out before the router; here they are described.
enum InvocationRoutes {
    static let routes: [Route] = [.get, .post, .put, .patch, .delete, .options].map { (method: HTTPRequest.Method) in
        Route(
            method: method, path: "/invok/{namespace}/{name}",
            summary: "Invoke a function; a sub-path and query reach it unchanged",
            success: AnswerDescription(status: .ok, summary: "The function's answer, whatever its status"),
            problems: [
                .unauthenticated, .notFound, .functionFailed, .noCapacity, .unavailable, .functionTimeout,
            ],
            handler: .invocation)
    }
}
