import HTTPTypes
import Invok
import InvokSim
import Testing

@testable import InvokAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite(.timeLimit(.minutes(1)))
struct RouteTests {
    // MARK: Who may

    /// What a stranger with a valid token gets for a path of another's namespace.
    private enum Stranger {
        /// The route is nobody's.
        case notApplicable
        case status(Int)
    }

    /// Every route, without a token and with a stranger's. `{namespace}` is another user's, `{name}` a function of it.
    private static let expectations: [String: (withoutToken: Int, stranger: Stranger)] = [
        "POST /auth/register": (400, .notApplicable),
        "POST /auth/login": (400, .notApplicable),
        "POST /auth/refresh": (400, .notApplicable),
        "POST /auth/logout": (401, .notApplicable),
        "POST /auth/password": (401, .notApplicable),
        "GET /api/v1/sessions": (401, .notApplicable),
        "DELETE /api/v1/sessions/{id}": (401, .status(404)),
        "GET /api/v1/me": (401, .notApplicable),
        "POST /api/v1/invitations": (401, .status(403)),
        "GET /api/v1/invitations": (401, .status(403)),
        "DELETE /api/v1/invitations/{id}": (401, .status(403)),
        "GET /invok/list": (401, .status(404)),
        "GET /api/v1/functions": (401, .status(404)),
        "GET /api/v1/status": (401, .notApplicable),
        "GET /api/v1/functions/{namespace}/{name}": (401, .status(404)),
        "PUT /api/v1/functions/{namespace}/{name}": (401, .status(404)),
        "DELETE /api/v1/functions/{namespace}/{name}": (401, .status(404)),
        "GET /api/v1/functions/{namespace}/{name}/versions": (401, .status(404)),
        "POST /api/v1/functions/{namespace}/{name}/rollback": (401, .status(404)),
        "GET /api/v1/functions/{namespace}/{name}/logs": (401, .status(404)),
        "POST /api/v1/functions/{namespace}/{name}/restart": (401, .status(404)),
        "PUT /api/v1/functions/{namespace}/{name}/secrets/{secret}": (401, .status(404)),
        "DELETE /api/v1/functions/{namespace}/{name}/secrets/{secret}": (401, .status(404)),
        "GET /api/v1/secrets/{namespace}": (401, .status(404)),
        "PUT /api/v1/secrets/{namespace}/{secret}": (401, .status(404)),
        "DELETE /api/v1/secrets/{namespace}/{secret}": (401, .status(404)),
        "GET /api/v1/functions/{namespace}/{name}/stats": (401, .status(404)),
        "GET /invok/logs/{namespace}/{name}": (401, .status(404)),
        "POST /invok/deploy": (401, .status(404)),
        "GET /invok/{namespace}/{name}": (401, .status(404)),
        "POST /invok/{namespace}/{name}": (401, .status(404)),
        "PUT /invok/{namespace}/{name}": (401, .status(404)),
        "PATCH /invok/{namespace}/{name}": (401, .status(404)),
        "DELETE /invok/{namespace}/{name}": (401, .status(404)),
        "OPTIONS /invok/{namespace}/{name}": (401, .status(404)),
        "POST /api/v1/functions/{namespace}/{name}/call": (401, .status(404)),
        "GET /api/v1/templates/{runtime}": (401, .notApplicable),
        "GET /healthz": (200, .notApplicable),
        "GET /readyz": (200, .notApplicable),
        "GET /api/openapi.json": (200, .notApplicable),
    ]

    @Test func everyRouteIsClosedToThoseItIsNotFor() async throws {
        try await TestServer.run { server in
            let table = API.table(system: server.system, configuration: ServerConfiguration())
            let names = table.routes.map { "\($0.method.rawValue) \($0.path)" }
            #expect(Set(names) == Set(Self.expectations.keys), "each route needs its line in `expectations`")
            #expect(Set(names).count == names.count)

            let owner = try await server.register()
            try await server.deploy("hello", access: "private", token: owner.token)
            let stranger = try await server.register("b@example.com")
            for route in table.routes {
                guard let expected = Self.expectations["\(route.method.rawValue) \(route.path)"] else { continue }
                let path = route.path.replacing("{namespace}", with: "\(owner.user.uuid)")
                    .replacing("{name}", with: "hello").replacing("{id}", with: "\(owner.user.uuid)")
                    .replacing("{secret}", with: "TOKEN")
                for token in [nil, "nonsense", owner.token + "0"] {
                    let answer = try await server.call(route.method, path, token: token, body: body(for: route))
                    #expect(answer.status == expected.withoutToken, "\(route.method) \(path)")
                    if answer.status == 401 { #expect(answer.fields["www-authenticate"] == "Bearer realm=\"invok\"") }
                }
                guard case .status(let status) = expected.stranger else { continue }
                let inQuery =
                    path.contains("\(owner.user.uuid)") || path.hasPrefix("/api/v1/invitations")
                    ? "" : "?namespace=\(owner.user.uuid)"
                let fields = route.path == "/invok/deploy" ? [TestServer.multipart] : []
                let body = route.path == "/invok/deploy" ? TestServer.upload("hello") : body(for: route)
                let answer = try await server.call(
                    route.method, path + inQuery, token: stranger.user.uuid == owner.user.uuid ? nil : stranger.token,
                    fields: fields, body: body)
                #expect(answer.status == status, "\(route.method) \(path)")
            }
            // All is still there.
            let answer = try await server.call(.get, "/invok/\(owner.user.uuid)/hello", token: owner.token)
            #expect(answer.status == 200 && answer.body == "hello")
        }
    }

    private func body(for route: Route) -> String? { route.request == nil ? nil : "{}" }

    // MARK: The whole job

    @Test func registerDeployInvokeListReadChangeAndRemove() async throws {
        try await TestServer.run { server in
            let user = try await server.register()
            let token = user.token
            let deployed = try await server.deploy("hello one", token: token)
            #expect(deployed.version == 1 && deployed.path == "/invok/\(user.user.uuid)/hello")
            #expect(try await server.call(.get, deployed.path).body == "one")
            try await server.deploy("hello two", token: token)
            #expect(try await server.call(.get, deployed.path).body == "two")

            let list = try await server.call(.get, "/invok/list", token: token).decode([Listed].self)
            #expect(list.map(\.name) == ["hello"] && list.first?.uuid == user.user.uuid)
            let base = "/api/v1/functions/\(user.user.uuid)/hello"
            #expect(try await server.call(.get, base, token: token).decode(Listed.self).access == "public")
            let versions = try await server.call(.get, "\(base)/versions", token: token).decode([Numbered].self)
            #expect(versions.map(\.number) == [2, 1] && versions.map(\.active) == [true, false])

            let back = try await server.call(.post, "\(base)/rollback", token: token)
            #expect(try back.decode(DeployResponse.self).version == 1)
            #expect(try await server.call(.get, deployed.path).body == "one")
            let changed = try await server.call(.put, base, token: token, body: #"{"access":"private"}"#)
            #expect(changed.status == 200)
            #expect(try await server.call(.get, deployed.path).status == 401)

            #expect(
                try await server.call(.get, "/api/v1/me", token: token).decode(UserMessage.self).uuid == user.user.uuid)
            #expect(
                try await server.call(.get, "/api/v1/status", token: token).decode(StatusMessage.self).version
                    == InvokVersion.current)
            #expect(try await server.call(.delete, base, token: token).status == 204)
            #expect(try await server.call(.get, base, token: token).status == 404)
        }
    }

    private struct Listed: Decodable {
        let uuid: UUIDValue
        let name: String
        let access: String
    }

    private struct Numbered: Decodable {
        let number: Int
        let active: Bool
    }

    // MARK: Bad input

    @Test(arguments: [
        ("not json", "the body is not JSON"),
        ("", "the body is not JSON"),
        ("[]", "the body must be an object"),
        (#"{"email":"a@b.c"}"#, "the field 'password' is missing"),
        (#"{"email":5,"password":"x"}"#, "the field 'email' must be a string"),
        (#"{"email":null,"password":"x"}"#, "the field 'email' is null, but must be a string"),
    ])
    func aBadBodyIsNamed(body: String, detail: String) async throws {
        try await TestServer.run { server in
            let answer = try await server.call(.post, "/auth/register", body: body)
            let problem = try #require(answer.problem)
            #expect(answer.status == 400 && answer.fields["content-type"] == "application/problem+json")
            #expect(problem.detail == detail && problem.error == detail && problem.code == "invalid_request")
            #expect(problem.requestID == answer.fields["x-request-id"])
        }
    }

    @Test func bodiesAreBoundedAndTyped() async throws {
        try await TestServer.run { server in
            // Nobody knows yet who sends it, so it is less than what others may send.
            let large = try await server.call(
                .post, "/auth/login", body: String(repeating: " ", count: JSONBody.openBytes + 1))
            #expect(large.status == 413)
            let user = try await server.register()
            for (count, status) in [(JSONBody.openBytes + 1, 400), (JSONBody.maximumBytes + 1, 413)] {
                let update = try await server.call(
                    .put, "/api/v1/functions/\(user.user.uuid)/hello", token: user.token,
                    body: String(repeating: " ", count: count))
                #expect(update.status == status)
            }
            let form = try await server.call(
                .post, "/auth/login", fields: [("Content-Type", "application/x-www-form-urlencoded")], body: "a=b")
            #expect(form.status == 415)
            let short = try await server.call(
                .post, "/auth/register", body: #"{"email":"a@b.c","password":"1234567"}"#)
            #expect(short.status == 400 && short.problem?.code == "invalid_password")
            let query = try await server.call(.get, "/invok/list?namespace=x", token: user.token)
            #expect(query.problem?.detail == "the query parameter 'namespace' must be a UUID")
        }
    }

    @Test func unknownPathsAndMethodsAreProblems() async throws {
        try await TestServer.run { server in
            for path in ["/", "/nothing", "/invok", "/invok/x", "/api/v1/functions/a"] {
                let answer = try await server.call(.get, path)
                #expect(answer.status == 404 && answer.problem?.code == "not_found", "\(path)")
            }
            let answer = try await server.call(.delete, "/auth/login")
            #expect(answer.status == 405 && answer.fields["allow"] == "POST")
            #expect(answer.problem?.code == "method_not_allowed")
            #expect(try await server.call(.post, "/healthz").fields["allow"] == "GET, HEAD")
        }
    }

    @Test func headIsGetWithoutABody() async throws {
        try await TestServer.run { server in
            try await WireClient.with(port: server.port) { client in
                // On one connection: a byte too many would be taken for the next answer.
                for _ in 0..<2 {
                    try await client.send(.head, "/healthz")
                    #expect(try await client.answer(to: .head)?.status == 200)
                    try await client.send(.get, "/healthz")
                    #expect(try await client.answer()?.body == #"{"status":"ok"}"#)
                }
            }
        }
    }

    @Test func readinessNamesThePartsAndNotWhatIsWrong() async throws {
        try await TestServer.run { server in
            let answer = try await server.call(.get, "/readyz")
            #expect(answer.status == 200)
            #expect(answer.body == #"{"parts":{"cache":"ok","engine":"ok","store":"ok"},"status":"ok"}"#)
        }
    }

    @Test func aServerWithoutItsCacheServesOnAndSaysSo() async throws {
        try await TestServer.run(cache: AbsentCache()) { server in
            let answer = try await server.call(.get, "/readyz")
            #expect(answer.status == 200)
            #expect(answer.body == #"{"parts":{"cache":"unavailable","engine":"ok","store":"ok"},"status":"degraded"}"#)
        }
    }

    @Test func requestIdentifiersAreKeptWhenPlain() async throws {
        try await TestServer.run { server in
            let kept = try await server.call(.get, "/healthz", fields: [("X-Request-Id", "abc-1")])
            #expect(kept.fields["x-request-id"] == "abc-1")
            let replaced = try await server.call(.get, "/healthz", fields: [("X-Request-Id", "a\"b c")])
            #expect(replaced.fields["x-request-id"]?.count == 32)
            #expect(replaced.fields["date"]?.hasSuffix("GMT") == true)
            #expect(replaced.fields["x-content-type-options"] == "nosniff")
        }
    }

    @Test func pagesOfAllowedOriginsMayCall() async throws {
        let configuration = ServerConfiguration(port: 0, corsOrigins: ["https://a.example"])
        try await TestServer.run(configuration) { server in
            let preflight = [
                ("Origin", "https://a.example"), ("Access-Control-Request-Method", "POST"),
                ("Access-Control-Request-Headers", "authorization"),
            ]
            let allowed = try await server.call(.options, "/auth/login", fields: preflight)
            #expect(allowed.status == 204)
            #expect(allowed.fields["access-control-allow-origin"] == "https://a.example")
            #expect(allowed.fields["access-control-allow-headers"] == "authorization")
            // Functions are not the API.
            let function = "/invok/\(UUIDValue(high: 0, low: 0))/private"
            let closed = try await server.call(.options, function, fields: preflight)
            #expect(closed.status == 401 && closed.fields["access-control-allow-origin"] == nil)
            let other = try await server.call(.get, "/healthz", fields: [("Origin", "https://b.example")])
            #expect(other.fields["access-control-allow-origin"] == nil && other.fields["vary"] == "Origin")
            let problem = try await server.call(.get, "/api/v1/me", fields: [("Origin", "https://a.example")])
            #expect(problem.status == 401)
            #expect(problem.fields["access-control-allow-origin"] == "https://a.example")
        }
    }
}
