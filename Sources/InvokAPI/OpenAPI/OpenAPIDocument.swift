import HTTPTypes
import Hummingbird
import Invok
import NIOCore
import Synchronization

/// The OpenAPI 3.1 document of a table of routes.
struct OpenAPIDocument: Encodable {
    struct Info: Encodable {
        let title = "Invok"
        let version = InvokVersion.current
        let summary = "Self-hosted serverless functions"
    }

    struct Components: Encodable {
        struct Scheme: Encodable {
            let type = "http"
            let scheme = "bearer"
            let bearerFormat = "JWT"
        }

        let schemas = WireSchemas.all
        let securitySchemes = ["token": Scheme()]
    }

    struct Parameter: Encodable {
        let name: String
        let `in`: String
        let description: String?
        let required: Bool
        let schema: Schema
    }

    struct Content: Encodable {
        let schema: Schema
    }

    struct RequestBody: Encodable {
        let required: Bool
        let content: [String: Content]
    }

    struct ResponseObject: Encodable {
        var description: String
        let content: [String: Content]?
    }

    struct Operation: Encodable {
        let summary: String
        let operationId: String
        let parameters: [Parameter]
        let requestBody: RequestBody?
        let responses: [String: ResponseObject]
        let security: [[String: [String]]]
    }

    let openapi = "3.1.0"
    let info = Info()
    let paths: [String: [String: Operation]]
    let components = Components()

    init(_ table: RouteTable) {
        var paths: [String: [String: Operation]] = [:]
        for route in table.routes {
            paths[route.path, default: [:]][route.method.rawValue.lowercased()] = Self.operation(route)
        }
        self.paths = paths
    }

    /// The route that serves the document, which describes itself too.
    static func route(completing routes: [Route]) -> Route {
        func make(_ body: @escaping @Sendable () throws -> ByteBuffer) -> Route {
            Route(
                method: .get, path: "/api/openapi.json", summary: "This document",
                success: .json(.map(.string), "OpenAPI 3.1"), handler: .open { _, _ in .json(try body()) })
        }
        let document = OpenAPIDocument(RouteTable(routes: routes + [make { ByteBuffer() }]))
        let encoded = EncodedOnce(document)
        return make(encoded.body)
    }

    /// Encoded when it is first asked for: that costs more than all else that a server does to start.
    private final class EncodedOnce: Sendable {
        private let document: OpenAPIDocument
        private let bytes = Mutex<ByteBuffer?>(nil)

        init(_ document: OpenAPIDocument) { self.document = document }

        @Sendable func body() throws -> ByteBuffer {
            try bytes.withLock { bytes in
                if let bytes { return bytes }
                let encoded = try JSONBody.encode(document)
                bytes = encoded
                return encoded
            }
        }
    }

    private static func operation(_ route: Route) -> Operation {
        let inPath = route.path.split(separator: "/").filter { $0.hasPrefix("{") }.map { component in
            let name = String(component.dropFirst().dropLast())
            return Parameter(
                name: name, in: "path", description: nil, required: true, schema: name == "namespace" ? .uuid : .string)
        }
        let inQuery = route.query.map {
            Parameter(name: $0.name, in: "query", description: $0.summary, required: false, schema: $0.schema)
        }
        let words = route.path.split(separator: "/").map { $0.filter { $0.isLetter || $0.isNumber } }
        return Operation(
            summary: route.summary,
            operationId: ([route.method.rawValue.lowercased()] + words).joined(separator: "_"),
            parameters: inPath + inQuery,
            requestBody: route.request.map {
                RequestBody(required: $0.isRequired, content: [$0.mediaType: Content(schema: $0.schema)])
            },
            responses: responses(route),
            security: security(route))
    }

    private static func security(_ route: Route) -> [[String: [String]]] {
        switch route.handler {
        case .open: []
        case .authenticated: [["token": []]]
        // Public functions need none.
        case .invocation: [["token": []], [:]]
        }
    }

    private static func responses(_ route: Route) -> [String: ResponseObject] {
        var responses: [String: ResponseObject] = [:]
        for answer in [route.success] + route.others {
            var content = answer.body.map { [$0.mediaType: Content(schema: $0.schema)] }
            if answer.events != nil { content?[DeployStream.mediaType] = Content(schema: .string) }
            responses[String(answer.status.code)] = ResponseObject(
                description: [answer.summary, answer.events].compactMap(\.self).joined(separator: ". "),
                content: content)
        }
        let common: [InvokError.Code] = route.needsToken ? [.unauthenticated, .internal] : [.internal]
        for code in common + route.problems {
            let status = String(Problem.status(of: code).code)
            let known = responses[status].map { $0.description + ", " } ?? ""
            responses[status] = ResponseObject(
                description: known + code.rawValue, content: [Problem.mediaType: Content(schema: .reference("Problem"))]
            )
        }
        return responses
    }
}
