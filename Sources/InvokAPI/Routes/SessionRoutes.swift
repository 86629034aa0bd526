import HTTPTypes
import Hummingbird
import Invok
import InvokProxy

/// How log-ins go on and end.
enum SessionRoutes {
    static func routes(_ accounts: Accounts) -> [Route] {
        [
            Route(
                method: .post, path: "/auth/refresh", summary: "Get the next tokens of a log-in",
                request: BodyDescription(mediaType: "application/json", schema: .reference("Refresh")),
                success: .json(.reference("Session"), "The next tokens; the ones before end"),
                problems: [.invalidRequest, .unauthenticated],
                handler: .open { request, _ in
                    let body = try await JSONBody.decode(
                        RefreshRequest.self, from: request, atMost: JSONBody.openBytes)
                    return try .json(AccountRoutes.message(try await accounts.refresh(body.refreshToken)))
                }),
            Route(
                method: .post, path: "/auth/logout", summary: "End this log-in",
                query: [QueryParameter(name: "all", summary: "Whether to end all of the user's", schema: .boolean)],
                success: AnswerDescription(status: .noContent, summary: "The token counts no more"),
                problems: [.invalidRequest],
                handler: .authenticated { request, _, principal in
                    if try request.query("all", expected: "'true' or 'false'", { Bool($0) }) ?? false {
                        try await accounts.logoutEverywhere(principal)
                    } else {
                        try await accounts.logout(principal)
                    }
                    return Response(status: .noContent)
                }),
            Route(
                method: .post, path: "/auth/password", summary: "Set another password, which ends all other log-ins",
                request: BodyDescription(mediaType: "application/json", schema: .reference("PasswordChange")),
                success: .json(.reference("Session"), "A token in the place of the one that was used"),
                problems: [.invalidRequest, .invalidPassword, .wrongCredentials, .tooManyRequests],
                handler: .authenticated { request, context, principal in
                    let body = try await JSONBody.decode(PasswordRequest.self, from: request)
                    let client = LoginClient(
                        address: context.caller.limitKey, name: request.headers[.userAgent] ?? "",
                        renews: body.refresh ?? false)
                    let session = try await accounts.changePassword(
                        from: body.password, to: body.newPassword, client: client, as: principal)
                    return try .json(AccountRoutes.message(session))
                }),
            Route(
                method: .get, path: "/api/v1/sessions", summary: "List one's log-ins",
                success: .json(.array(.reference("LoginSession")), "The log-ins, the last used first"),
                handler: .authenticated { _, _, principal in
                    let sessions = try await accounts.sessions(of: principal)
                    return try .json(sessions.map { message($0, current: principal.claims?.session) })
                }),
            Route(
                method: .delete, path: "/api/v1/sessions/{id}", summary: "End one of one's log-ins",
                success: AnswerDescription(status: .noContent, summary: "Its tokens count no more"),
                problems: [.notFound],
                handler: .authenticated { _, context, principal in
                    try await accounts.endSession(context.identifier(), as: principal)
                    return Response(status: .noContent)
                }),
        ]
    }

    private static func message(_ session: LoginSession, current: UUIDValue?) -> SessionMessage {
        SessionMessage(
            id: session.id, client: session.client, address: session.address,
            createdAt: session.createdAt.description, usedAt: session.usedAt.description,
            expiresAt: session.expiresAt.description, current: session.id == current)
    }
}
