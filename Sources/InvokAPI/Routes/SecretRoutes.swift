import HTTPTypes
import Hummingbird
import Invok

/// Secrets of a namespace and of its functions. Their values go in and never come out.
enum SecretRoutes {
    /// A value of the largest size, each byte of it escaped.
    private static let maximumBytes = 6 * SecretValue.maximumBytes + 1024

    private static let purpose = QueryParameter(
        name: "purpose", summary: "Who has it: instances (run), which is so unless told, or builds",
        schema: .string(oneOf: SecretKey.Purpose.allCases.map(\.rawValue)))
    private static let restart = QueryParameter(
        name: "restart", summary: "Whether instances that have it are replaced now; else the next ones have it",
        schema: .boolean)
    private static let force = QueryParameter(
        name: "force", summary: "Also where a function needs it, which then starts no more", schema: .boolean)
    private static let body = BodyDescription(mediaType: "application/json", schema: .reference("SecretUpdate"))
    private static let gone = AnswerDescription(status: .noContent, summary: "It is gone")

    static func routes(_ system: InvokSystem) -> [Route] {
        let secrets = system.secrets
        let ofNamespace = "/api/v1/secrets/{namespace}"
        let ofFunction = "/api/v1/functions/{namespace}/{name}/secrets/{secret}"
        return [
            Route(
                method: .get, path: ofNamespace, summary: "List the secrets of a namespace and of its functions",
                success: .json(.array(.reference("Secret")), "Their names; nobody gets a value"),
                problems: [.notFound],
                handler: .authenticated { _, context, principal in
                    let list = try await secrets.list(context.namespace(), as: principal)
                    return try .json(list.map { SecretMessage($0) })
                }),
            Route(
                method: .put, path: ofNamespace + "/{secret}", summary: "Set a secret of all functions of a namespace",
                query: [purpose, restart], request: body, success: .json(.reference("Secret"), "It is set"),
                problems: [.invalidRequest, .invalidName, .forbidden, .notFound, .quotaExceeded, .payloadTooLarge],
                handler: .authenticated { request, context, principal in
                    try await set(context.secretKey(of: nil, request), request, secrets, principal)
                }),
            Route(
                method: .delete, path: ofNamespace + "/{secret}", summary: "Remove a secret of a namespace",
                query: [purpose, force], success: gone,
                problems: [.invalidRequest, .invalidName, .forbidden, .notFound, .conflict],
                handler: .authenticated { request, context, principal in
                    try await remove(context.secretKey(of: nil, request), request, secrets, principal)
                }),
            Route(
                method: .put, path: ofFunction, summary: "Set a secret of one function, which need not be there yet",
                query: [purpose, restart], request: body, success: .json(.reference("Secret"), "It is set"),
                problems: [.invalidRequest, .invalidName, .forbidden, .notFound, .quotaExceeded, .payloadTooLarge],
                handler: .authenticated { request, context, principal in
                    try await set(
                        context.secretKey(of: context.functionKey().name, request), request, secrets, principal)
                }),
            Route(
                method: .delete, path: ofFunction, summary: "Remove a secret of one function",
                query: [purpose, force], success: gone,
                problems: [.invalidRequest, .invalidName, .forbidden, .notFound, .conflict],
                handler: .authenticated { request, context, principal in
                    try await remove(
                        context.secretKey(of: context.functionKey().name, request), request, secrets, principal)
                }),
            Route(
                method: .post, path: "/api/v1/functions/{namespace}/{name}/restart",
                summary: "Replace a function's running instances by new ones, without losing a request",
                success: AnswerDescription(status: .noContent, summary: "They are being replaced"),
                problems: [.forbidden, .notFound],
                handler: .authenticated { _, context, principal in
                    try await secrets.restart(context.functionKey(), as: principal)
                    return Response(status: .noContent)
                }),
        ]
    }

    private static func set(
        _ key: SecretKey, _ request: Request, _ secrets: Secrets, _ principal: Principal
    ) async throws -> Response {
        try await secrets.authorize(key.namespace, as: principal)
        let restarts = try request.query("restart", expected: "'true' or 'false'") { Bool($0) } ?? false
        let update = try await JSONBody.decode(SecretUpdate.self, from: request, atMost: maximumBytes)
        let result = try await secrets.set(key, to: SecretValue(update.value), restarts: restarts, as: principal)
        return try .json(SecretMessage(result.secret, restarted: restarts ? result.restarted : nil))
    }

    private static func remove(
        _ key: SecretKey, _ request: Request, _ secrets: Secrets, _ principal: Principal
    ) async throws -> Response {
        let isForced = try request.query("force", expected: "'true' or 'false'") { Bool($0) } ?? false
        try await secrets.remove(key, isForced: isForced, as: principal)
        return Response(status: .noContent)
    }
}

extension APIContext {
    /// The namespace that the path names. What cannot be one is nobody's.
    fileprivate func namespace() throws(InvokError) -> Namespace {
        guard let namespace = parameters.get("namespace").flatMap({ Namespace($0) }) else {
            throw InvokError(.notFound, "there is no such namespace", nextStep: "check it with 'invok whoami'")
        }
        return namespace
    }

    /// The secret that the path and the query name.
    fileprivate func secretKey(of function: FunctionName?, _ request: Request) throws(InvokError) -> SecretKey {
        let namespace = try namespace()
        let purpose =
            try request.query("purpose", expected: "'run' or 'build'") { SecretKey.Purpose(rawValue: $0) } ?? .run
        let name = try SecretName(parameters.get("secret") ?? "")
        return SecretKey(namespace: namespace, function: function, purpose: purpose, name: name)
    }
}
