import HTTPTypes
import Hummingbird
import Invok
import Testing

@testable import InvokAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite(.timeLimit(.minutes(1)))
struct OpenAPIDocumentTests {
    private struct Document: Decodable {
        struct Operation: Decodable {
            let operationId: String
            let security: [[String: [String]]]
            let responses: [String: Response]
        }

        struct Response: Decodable {
            let description: String
            let content: [String: Ignored]?
        }

        struct Components: Decodable {
            let schemas: [String: SchemaShape]
        }

        struct SchemaShape: Decodable {
            let properties: [String: Ignored]?
            let required: [String]?
        }

        struct Ignored: Decodable {}

        let openapi: String
        let paths: [String: [String: Operation]]
        let components: Components
    }

    @Test func theDocumentIsEqualToTheRouter() async throws {
        try await TestServer.run { server in
            let answer = try await server.call(.get, "/api/openapi.json")
            let document = try answer.decode(Document.self)
            #expect(document.openapi == "3.1.0")
            let described = Set(document.paths.flatMap { path, item in item.keys.map { "\($0.uppercased()) \(path)" } })
            let table = API.table(system: server.system, configuration: ServerConfiguration())
            // What the router itself has, not the table it was filled from.
            let router = API.router(table, system: server.system)
            let registered = router.routes.map { "\($0.method.rawValue) \($0.path.description)" }
            let invocations = InvocationRoutes.routes.map { "\($0.method.rawValue) \($0.path)" }
            #expect(described == Set(registered + invocations))
            let identifiers = document.paths.values.flatMap { $0.values.map(\.operationId) }
            #expect(Set(identifiers).count == identifiers.count)
            #expect(document.paths["/api/v1/me"]?["get"]?.security == [["token": []]])
            #expect(document.paths["/api/v1/me"]?["get"]?.responses["401"]?.description == "unauthenticated")
            // What is not ready says what is missing, not that there is a problem.
            let ready = document.paths["/readyz"]?["get"]?.responses
            #expect(ready?["200"]?.content?.keys.sorted() == ["application/json"])
            #expect(ready?["503"]?.content?.keys.sorted() == ["application/json"])
            for name in answer.body.matches(of: /#\/components\/schemas\/([A-Za-z]+)/).map(\.output.1) {
                #expect(document.components.schemas[String(name)] != nil, "\(name)")
            }
        }
    }

    @Test func theSchemasAreEqualToWhatIsSent() async throws {
        try await TestServer.run { server in
            let document = try await server.call(.get, "/api/openapi.json").decode(Document.self)
            let user = try await server.register()
            let token = user.token
            let upload = try await server.call(
                .post, "/invok/deploy", token: token, fields: [TestServer.multipart], body: TestServer.upload("log x"))
            let base = "/api/v1/functions/\(user.user.uuid)/hello"
            _ = try await server.call(.get, "/invok/\(user.user.uuid)/hello", token: token)
            let samples: [(String, String)] = [
                ("User", try await server.call(.get, "/api/v1/me", token: token).body),
                ("LoginSession", try await server.call(.get, "/api/v1/sessions", token: token).body),
                ("Invitation", try await server.call(.post, "/api/v1/invitations", token: token).body),
                ("Function", try await server.call(.get, base, token: token).body),
                ("Deployed", upload.body),
                ("Version", try await server.call(.get, "\(base)/versions", token: token).body),
                ("LogLine", try await server.call(.get, "\(base)/logs", token: token).body),
                ("Stats", try await server.call(.get, "\(base)/stats", token: token).body),
                (
                    "CallFigures",
                    try server.field("total", of: try await server.call(.get, "\(base)/stats", token: token).body)
                ),
                ("Status", try await server.call(.get, "/api/v1/status", token: token).body),
                ("Template", try await server.call(.get, "/api/v1/templates/go", token: token).body),
                ("Health", try await server.call(.get, "/healthz").body),
                ("Readiness", try await server.call(.get, "/readyz").body),
                ("Problem", try await server.call(.get, "/nothing").body),
                ("Limits", try server.field("limits", of: try await server.call(.get, base, token: token).body)),
            ]
            for (name, body) in samples {
                let schema = try #require(document.components.schemas[name])
                let keys = try Self.keys(of: body)
                #expect(keys.isSubset(of: Set((schema.properties ?? [:]).keys)), "\(name): \(keys)")
                #expect(Set(schema.required ?? []).isSubset(of: keys), "\(name): \(keys)")
            }
        }
    }

    /// The keys of an object, or of the first one in a list.
    private static func keys(of json: String) throws -> Set<String> {
        struct Keys: Decodable {
            struct Key: CodingKey {
                let stringValue: String
                var intValue: Int? { nil }
                init(stringValue: String) { self.stringValue = stringValue }
                init?(intValue: Int) { nil }
            }

            let keys: Set<String>

            init(from decoder: any Decoder) throws {
                keys = Set(try decoder.container(keyedBy: Key.self).allKeys.map(\.stringValue))
            }
        }
        let data = Data(json.utf8)
        if json.hasPrefix("[") {
            return try #require(try JSONDecoder().decode([Keys].self, from: data).first).keys
        }
        return try JSONDecoder().decode(Keys.self, from: data).keys
    }
}

extension TestServer {
    /// The JSON of an object's field that is an object without objects.
    fileprivate func field(_ name: String, of json: String) throws -> String {
        let start = try #require(json.firstRange(of: "\"\(name)\":{")).upperBound
        let end = try #require(json[start...].firstIndex(of: "}"))
        return "{" + json[start...end]
    }
}
