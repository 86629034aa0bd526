import HTTPTypes
import Hummingbird
import Invok

/// Functions: listing, reading, changing, removing.
enum FunctionRoutes {
    static let namespaceParameter = QueryParameter(
        name: "namespace", summary: "A shared namespace; without it, one's own", schema: .uuid)

    static func routes(_ system: InvokSystem, world: [String: String], functionsURL: String?) -> [Route] {
        let functions = system.functions
        let deployments = system.deployments
        let list: Route.Handler = .authenticated { request, _, principal in
            let records = try await functions.list(request.namespaceQuery(), as: principal)
            return try .json(records.map(FunctionMessage.init))
        }
        return [
            Route(
                method: .get, path: "/invok/list", summary: "List functions", query: [namespaceParameter],
                success: .json(.array(.reference("Function")), "The functions, by name"),
                problems: [.invalidRequest, .notFound], handler: list),
            Route(
                method: .get, path: "/api/v1/functions", summary: "List functions", query: [namespaceParameter],
                success: .json(.array(.reference("Function")), "The functions, by name"),
                problems: [.invalidRequest, .notFound], handler: list),
            Route(
                method: .get, path: "/api/v1/status", summary: "The server, and what runs of one's functions",
                success: .json(.reference("Status"), "The status"),
                handler: .authenticated { _, _, principal in
                    try .json(
                        StatusMessage(
                            version: InvokVersion.current, world: world, functionsURL: functionsURL,
                            functions: try await functions.status(as: principal)))
                }),
            Route(
                method: .get, path: "/api/v1/functions/{namespace}/{name}", summary: "Read a function",
                success: .json(.reference("Function"), "The function"), problems: [.notFound],
                handler: .authenticated { _, context, principal in
                    try .json(FunctionMessage(try await functions.function(context.functionKey(), as: principal)))
                }),
            Route(
                method: .put, path: "/api/v1/functions/{namespace}/{name}",
                summary: "Change a function's access, environment or limits",
                request: BodyDescription(mediaType: "application/json", schema: .reference("FunctionUpdate")),
                success: .json(.reference("Deployed"), "What is active now"),
                problems: [
                    .invalidRequest, .invalidConfig, .forbidden, .notFound, .conflict, .startFailed, .storageFull,
                ],
                handler: .authenticated { request, context, principal in
                    let key = try context.functionKey()
                    let update = try await JSONBody.decode(FunctionUpdate.self, from: request)
                    return try .json(DeployResponse(try await deployments.update(key, update, as: principal)))
                }),
            Route(
                method: .delete, path: "/api/v1/functions/{namespace}/{name}",
                summary: "Remove a function with its versions and its log",
                success: AnswerDescription(status: .noContent, summary: "It is gone"),
                problems: [.forbidden, .notFound],
                handler: .authenticated { _, context, principal in
                    try await functions.delete(context.functionKey(), as: principal)
                    return Response(status: .noContent)
                }),
        ]
    }
}
