import HTTPTypes
import Hummingbird
import Invok
import InvokProxy

/// Registration, log-in, and who one is.
enum AccountRoutes {
    static func routes(_ accounts: Accounts) -> [Route] {
        [
            Route(
                method: .post, path: "/auth/register", summary: "Make an account",
                request: BodyDescription(mediaType: "application/json", schema: .reference("Credentials")),
                success: .json(.reference("Session"), "The account, and a token for it", status: .created),
                problems: [
                    .invalidRequest, .invalidEmail, .invalidPassword, .registrationClosed, .emailTaken,
                    .tooManyRequests,
                ],
                handler: .open { request, context in
                    let body = try await credentials(in: request)
                    let session = try await accounts.register(
                        email: body.email, password: body.password, code: body.code,
                        client: client(body, request, context))
                    return try .json(message(session), status: .created)
                }),
            Route(
                method: .post, path: "/auth/login", summary: "Get a token",
                request: BodyDescription(mediaType: "application/json", schema: .reference("Credentials")),
                success: .json(.reference("Session"), "A token"),
                problems: [.invalidRequest, .wrongCredentials, .accountDisabled, .tooManyRequests],
                handler: .open { request, context in
                    let body = try await credentials(in: request)
                    let session = try await accounts.login(
                        email: body.email, password: body.password, client: client(body, request, context))
                    return try .json(message(session))
                }),
            Route(
                method: .get, path: "/api/v1/me", summary: "Who the token speaks for",
                success: .json(.reference("User"), "The user"),
                handler: .authenticated { _, _, principal in try .json(message(principal.user)) }),
        ]
    }

    private static func credentials(in request: Request) async throws -> CredentialsRequest {
        try await JSONBody.decode(CredentialsRequest.self, from: request, atMost: JSONBody.openBytes)
    }

    private static func client(
        _ body: CredentialsRequest, _ request: Request, _ context: APIContext
    ) -> LoginClient {
        LoginClient(
            address: context.caller.limitKey, name: request.headers[.userAgent] ?? "", renews: body.refresh ?? false,
            earlier: body.device)
    }

    static func message(_ session: Session) -> AuthResponse {
        AuthResponse(
            token: session.token, user: message(session.user), refreshToken: session.refreshToken,
            expiresSeconds: session.refreshToken == nil ? nil : Int(session.lifetime.components.seconds))
    }

    private static func message(_ user: User) -> UserMessage {
        UserMessage(uuid: user.id, email: user.email.description, role: user.role)
    }
}
