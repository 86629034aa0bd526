import HTTPTypes
import Hummingbird
import Invok

/// One operation of the API: what it does and how it is described. The router and the OpenAPI document are both made of
/// the one table of routes, so that they cannot disagree.
struct Route: Sendable {
    enum Handler: Sendable {
        /// Without a token.
        case open(@Sendable (Request, APIContext) async throws -> Response)
        /// With a valid token; whose it is, is proved before the handler is called.
        case authenticated(@Sendable (Request, APIContext, Principal) async throws -> Response)
        /// The functions themselves: answered before the router, described here.
        case invocation
    }

    let method: HTTPRequest.Method
    /// With `{parameter}` components.
    let path: String
    let summary: String
    var query: [QueryParameter] = []
    var request: BodyDescription?
    /// The answer when all goes well.
    let success: AnswerDescription
    /// Further answers that are no problems.
    var others: [AnswerDescription] = []
    /// The codes of the problems it may answer with, besides those of every route.
    var problems: [InvokError.Code] = []
    let handler: Handler

    var needsToken: Bool {
        if case .authenticated = handler { true } else { false }
    }
}

struct QueryParameter: Sendable {
    let name: String
    let summary: String
    let schema: Schema
}

struct BodyDescription: Sendable {
    let mediaType: String
    let schema: Schema
    var isRequired = true
}

struct AnswerDescription: Sendable {
    let status: HTTPResponse.Status
    let summary: String
    var body: BodyDescription?
    /// What comes as server-sent events instead, where the client asks for them.
    var events: String?

    static func json(_ schema: Schema, _ summary: String, status: HTTPResponse.Status = .ok) -> AnswerDescription {
        AnswerDescription(
            status: status, summary: summary, body: BodyDescription(mediaType: "application/json", schema: schema))
    }
}

/// All routes.
struct RouteTable: Sendable {
    let routes: [Route]

    /// The methods that a path takes, HEAD for each GET included; none for an unknown path.
    func methods(at path: String) -> [HTTPRequest.Method] {
        let components = path.split(separator: "/")
        var methods = routes.filter { route in
            let pattern = route.path.split(separator: "/")
            return pattern.count == components.count
                && zip(pattern, components).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }.map(\.method)
        if methods.contains(.get) { methods.append(.head) }
        return methods.sorted { $0.rawValue < $1.rawValue }
    }

    /// Puts the routes into a router.
    func register(in router: Router<APIContext>, accounts: Accounts) {
        for route in routes {
            switch route.handler {
            case .open(let handle):
                router.on(RouterPath(route.path), method: route.method) { try await handle($0, $1) }
            case .authenticated(let handle):
                router.on(RouterPath(route.path), method: route.method) { request, context in
                    let principal = try await accounts.authenticate(token: request.platformToken)
                    return try await handle(request, context, principal)
                }
            case .invocation: break
            }
        }
    }
}
