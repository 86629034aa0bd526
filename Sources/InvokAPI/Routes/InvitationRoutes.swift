import HTTPTypes
import Hummingbird
import Invok

/// Invitations, which admins make.
enum InvitationRoutes {
    static func routes(_ registrations: Registrations) -> [Route] {
        [
            Route(
                method: .post, path: "/api/v1/invitations", summary: "Invite somebody to make an account",
                request: BodyDescription(
                    mediaType: "application/json", schema: .reference("InvitationRequest"), isRequired: false),
                success: .json(.reference("Invitation"), "The invitation, and its code, told once", status: .created),
                problems: [.invalidRequest, .forbidden, .conflict],
                handler: .authenticated { request, _, principal in
                    let body = try await JSONBody.decode(
                        InvitationRequest.self, from: request, whenEmpty: InvitationRequest())
                    let made = try await registrations.invite(
                        as: body.role ?? .developer, for: .seconds(body.expiresSeconds ?? 7 * 86_400), by: principal)
                    return try .json(message(made.invitation, code: made.code.description), status: .created)
                }),
            Route(
                method: .get, path: "/api/v1/invitations", summary: "List the invitations that are open",
                success: .json(.array(.reference("Invitation")), "The invitations, the oldest first"),
                problems: [.forbidden],
                handler: .authenticated { _, _, principal in
                    try .json(try await registrations.invitations(as: principal).map { message($0) })
                }),
            Route(
                method: .delete, path: "/api/v1/invitations/{id}", summary: "Revoke an invitation",
                success: AnswerDescription(status: .noContent, summary: "It is good no more"),
                problems: [.forbidden, .notFound],
                handler: .authenticated { _, context, principal in
                    try await registrations.revoke(context.identifier(), as: principal)
                    return Response(status: .noContent)
                }),
        ]
    }

    private static func message(_ invitation: Invitation, code: String? = nil) -> InvitationMessage {
        InvitationMessage(
            id: invitation.id, code: code, role: invitation.role, createdAt: invitation.createdAt.description,
            expiresAt: invitation.expiresAt.description)
    }
}
