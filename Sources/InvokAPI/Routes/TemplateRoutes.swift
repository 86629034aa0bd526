import Hummingbird
import Invok
import InvokTemplates

/// What a new function begins with: the files that `invok create` writes.
enum TemplateRoutes {
    static let routes = [
        Route(
            method: .get, path: "/api/v1/templates/{runtime}", summary: "Get the files of a new function",
            query: [QueryParameter(name: "name", summary: "Its name; 'hello-world' unless told", schema: .string)],
            success: .json(.reference("Template"), "The files, text by path"),
            problems: [.invalidName, .unknownRuntime],
            handler: .authenticated { request, context, _ in
                let text = context.parameters.get("runtime") ?? ""
                guard let runtime = Runtime(rawValue: text) else { throw InvokError.unknownRuntime(text) }
                let name = try FunctionName(request.uri.queryParameters["name"].map { String($0) } ?? "hello-world")
                return try .json(
                    TemplateMessage(
                        runtime: runtime, name: name.description,
                        files: FunctionTemplate(name: name, runtime: runtime).files))
            })
    ]
}
