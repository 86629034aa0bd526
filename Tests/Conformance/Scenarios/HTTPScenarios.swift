import Foundation
import Invok
import Testing

/// What the server as a whole is to a client, a browser and a proxy.
@Suite(.seeded)
struct HTTPScenarios {
    @Test(arguments: WorldName.selected)
    func pagesElsewhereChangeNothing(_ world: WorldName) async throws {
        try await scenario("cross-origin calls", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.hello("open").with { $0.access = "public" })
            let origin = ("Origin", "https://page.example")
            let asks = [
                origin, ("Access-Control-Request-Method", "POST"),
                ("Access-Control-Request-Headers", "authorization, content-type"),
            ]
            for path in ["/auth/login", "/invok/list", client.api("open")] {
                // A browser asks without a token, and is not told that it may.
                let answer = try await client.anonymous.send("OPTIONS", path, headers: asks)
                #expect(answer.status == 204 && answer.body.isEmpty, "\(path): \(answer.status)")
                #expect(answer["Access-Control-Allow-Origin"] == nil)
            }
            // It does not ask before some requests; with a token or without, those change nothing.
            for (method, path) in [
                ("POST", "/auth/login"), ("DELETE", client.api("open")), ("PUT", client.api("open")),
            ] {
                for origin in [origin.1, "null", "https://localhost.page.example"] {
                    let answer = try await client.send(method, path, headers: [("Origin", origin)])
                    #expect(answer.status == 403 && answer.problem == "forbidden", "\(method) \(path)")
                }
            }
            let read = try await client.send("GET", "/invok/list", headers: [origin])
            #expect(read.status == 200 && read["Access-Control-Allow-Origin"] == nil)
            // What a function answers is its author's affair.
            for headers in [asks, [origin]] {
                let answer = try await client.send("OPTIONS", client.path("open"), headers: headers)
                #expect(answer.text == "hello" && answer["Access-Control-Allow-Origin"] == nil)
            }
            #expect(try await client.send("POST", client.path("open"), headers: [origin]).text == "hello")
            let plain = try await client.send("OPTIONS", "/invok/list")
            #expect(plain.status == 405 && plain["Allow"]?.contains("GET") == true)
        }
    }

    @Test(arguments: WorldName.selected)
    func everyAnswerNamesItsRequest(_ world: WorldName) async throws {
        try await scenario("request ids", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.echo("echo"))
            for path in ["/healthz", "/invok/list", client.path("echo"), "/nothing", client.path("absent")] {
                let own = try await client.send("GET", path, headers: [("X-Request-Id", "mine-1.2_3")])
                #expect(own["X-Request-Id"] == "mine-1.2_3", "\(path)")
                if own.status >= 400 { #expect(try own.json(ProblemMessage.self).requestID == "mine-1.2_3") }
                let first = try #require(try await client.get(path)["X-Request-Id"])
                let second = try await client.send("GET", path, headers: [("X-Request-Id", "not plain; drop")])
                #expect(second["X-Request-Id"] != first && second["X-Request-Id"]?.contains(" ") == false)
            }
            let echoed = try await client.send("GET", client.path("echo"), headers: [("X-Request-Id", "seen")])
            #expect(echoed["x-echo-x-invok-request-id"] == "seen")
        }
    }

    @Test(arguments: WorldName.selected)
    func headAnswersHaveNoBodyAndMethodsAreChecked(_ world: WorldName) async throws {
        try await scenario("methods", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.hello("hello"))
            try await client.deployed(.status("empty", 204))
            for path in ["/healthz", "/invok/list", client.path("hello"), "/nothing", client.path("empty")] {
                let get = try await client.get(path)
                let head = try await client.send("HEAD", path)
                #expect(head.status == get.status && head.body.isEmpty, "\(path)")
            }
            for (method, path) in [("PUT", "/auth/login"), ("DELETE", "/invok/list"), ("GET", "/invok/deploy")] {
                let answer = try await client.send(method, path)
                #expect(answer.status == 405 && answer.problem == "method_not_allowed", "\(method) \(path)")
                #expect(answer["Allow"]?.isEmpty == false)
            }
        }
    }

    @Test(arguments: WorldName.selected)
    func theDescriptionNamesEveryRoute(_ world: WorldName) async throws {
        try await scenario("API description", on: world) { installation in
            let client = try await Client.register(on: installation)
            let answer = try await client.anonymous.get("/api/openapi.json")
            #expect(answer.status == 200)
            let object = try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any]
            let document = try #require(object)
            #expect((document["openapi"] as? String)?.hasPrefix("3.1") == true)
            let paths = try #require(document["paths"] as? [String: [String: Any]])
            let expected = [
                "/auth/register": ["post"], "/auth/login": ["post"], "/invok/list": ["get"], "/invok/deploy": ["post"],
                "/invok/logs/{namespace}/{name}": ["get"], "/api/v1/me": ["get"], "/api/v1/status": ["get"],
                "/api/v1/functions": ["get"], "/api/v1/functions/{namespace}/{name}": ["delete", "get", "put"],
                "/api/v1/functions/{namespace}/{name}/versions": ["get"],
                "/api/v1/functions/{namespace}/{name}/rollback": ["post"],
                "/api/v1/functions/{namespace}/{name}/logs": ["get"], "/api/openapi.json": ["get"],
                "/api/v1/functions/{namespace}/{name}/restart": ["post"], "/api/v1/secrets/{namespace}": ["get"],
                "/api/v1/functions/{namespace}/{name}/secrets/{secret}": ["delete", "put"],
                "/api/v1/secrets/{namespace}/{secret}": ["delete", "put"],
                "/healthz": ["get"], "/readyz": ["get"],
            ]
            for (path, methods) in expected {
                let operations = try #require(paths[path], "\(path)")
                #expect(Set(methods).isSubset(of: operations.keys), "\(path)")
            }
            // Each described one is there: none answers that nothing is at its path.
            for (path, operations) in paths.sorted(by: { $0.key < $1.key }) where !path.hasPrefix("/invok/{") {
                let real = path.replacing("{namespace}", with: client.namespace).replacing("{name}", with: "none")
                for method in operations.keys.sorted() where ["get", "put", "post", "delete"].contains(method) {
                    let answer = try await client.anonymous.send(method.uppercased(), real)
                    #expect(![404, 405].contains(answer.status), "\(method) \(path): \(answer.status)")
                }
            }
        }
    }

    @Test(arguments: WorldName.selected)
    func malformedUploadsAndMessagesAreExplained(_ world: WorldName) async throws {
        try await scenario("malformed requests", on: world) { installation in
            let client = try await Client.register(on: installation)
            let json = ("Content-Type", "application/json")
            for body in [
                "", "{", "null", "[]", #"{"email":1,"password":"x"}"#, "\u{FEFF}{}", #"{"email":"a@b.example"}"#,
            ] {
                let answer = try await client.send("POST", "/auth/login", headers: [json], body: Array(body.utf8))
                #expect(answer.status == 400, "\(body): \(answer.status)")
                #expect(answer.problem != nil, "\(body)")
            }
            for type in ["text/plain", "application/zip", "multipart/mixed; boundary=XX", ""] {
                let answer = try await client.send(
                    "POST", "/invok/deploy", headers: [("Content-Type", type)], body: Array("--XX--\r\n".utf8))
                #expect(answer.status == 415, "\(type): \(answer.status) \(answer.text)")
            }
            let form = "multipart/form-data"
            for (type, body) in [
                (form, "--XX--\r\n"), ("\(form); boundary=XX", ""), ("\(form); boundary=XX", "--XX--\r\n"),
                ("\(form); boundary=XX", "--XX\r\nnonsense"), ("\(form); boundary=XX", "no boundary at all"),
                ("\(form); boundary=\(String(repeating: "b", count: 100))", "x"),
            ] {
                let answer = try await client.send(
                    "POST", "/invok/deploy", headers: [("Content-Type", type)], body: Array(body.utf8))
                #expect(answer.status == 400 && answer.problem != nil, "\(type) \(body): \(answer.status)")
            }
            #expect(try await client.get("/invok/list").text == "[]")
        }
    }

    @Test(arguments: WorldName.selected)
    func postsUnderLoadLoseNothing(_ world: WorldName) async throws {
        try await scenario("posts under load", on: world) { installation in
            let client = try await Client.register(on: installation)
            // This one answers without having read; the other one sends back what it got.
            try await client.deployed(.hello("early"))
            try await client.deployed(.echo("echo"))
            let body = [UInt8](repeating: 7, count: 20_000)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        for round in 0..<50 {
                            let isEarly = (worker + round).isMultiple(of: 2)
                            let answer = try await client.send(
                                "POST", client.path(isEarly ? "early" : "echo"), body: body)
                            #expect(answer.status == 200)
                            #expect(isEarly ? answer.text == "hello" : answer.body == body)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await client.get("/healthz").status == 200)
        }
    }

    @Test(arguments: WorldName.selected)
    func aClientThatHangsUpFreesItsPlace(_ world: WorldName) async throws {
        try await scenario("client hangs up", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.hanging("hang").with { $0.limits = ["timeoutSeconds": 300] })
            let call = Task { try await client.get(client.path("hang")) }
            try await eventually(on: installation, "the request is there") {
                try await client.status(of: "hang").requests == 1
            }
            call.cancel()
            await #expect(throws: (any Error).self) { try await call.value }
            try await eventually(on: installation, "its place is free again") {
                try await client.status(of: "hang").requests == 0
            }
        }
    }
}
