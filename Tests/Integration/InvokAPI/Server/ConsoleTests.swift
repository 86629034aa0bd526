import HTTPTypes
import Invok
import InvokConsole
import InvokProxy
import Testing

@testable import InvokAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The console's listener, and calls whose answers are data.
@Suite(.timeLimit(.minutes(1)))
struct ConsoleTests {
    private static func configuration() throws -> ServerConfiguration {
        ServerConfiguration(
            port: 0,
            hosts: try HostRules(listener: "127.0.0.1", hosts: ["invok.example"], functionsHost: "functions.example")
                .ofConsole,
            console: ConsoleFiles(), functionsURL: "http://127.0.0.1:3000")
    }

    private func ask(_ server: TestServer, _ head: String, host: String = "localhost") async throws -> WireAnswer {
        try await WireClient.with(port: server.port) { client in
            try await client.send("\(head)\r\nHost: \(host)\r\nConnection: close\r\n\r\n")
            return try #require(try await client.answer())
        }
    }

    @Test func itServesItsFilesAndTheAPI() async throws {
        try await TestServer.run(Self.configuration()) { server in
            let page = try await ask(server, "GET / HTTP/1.1")
            #expect(page.status == 200 && page.fields["content-type"] == "text/html; charset=utf-8")
            #expect(page.fields["content-security-policy"]?.contains("script-src 'self';") == true)
            let script = try #require(page.body.firstMatch(of: /src="(\/assets\/[^"]+)"/)).1
            let main = try await ask(server, "GET \(script) HTTP/1.1")
            #expect(main.status == 200 && main.fields["cache-control"]?.hasSuffix("immutable") == true)
            let head = try await WireClient.with(port: server.port) { client in
                try await client.send("HEAD \(script) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return try #require(try await client.answer(to: .head))
            }
            #expect(head.status == 200 && head.fields["content-length"] == main.fields["content-length"])
            let user = try await server.register()
            let status = try await server.call(.get, "/api/v1/status", token: user.token).decode(StatusMessage.self)
            #expect(status.functionsURL == "http://127.0.0.1:3000")
            #expect(try await server.call(.get, "/nothing").status == 404)
        }
    }

    @Test func itServesNoFunction() async throws {
        try await TestServer.run(Self.configuration()) { server in
            let user = try await server.register()
            let deployed = try await server.deploy("hello", token: user.token)
            for path in [deployed.path, deployed.path + "/a?b", "/invok/n/f"] {
                let answer = try await server.call(.get, path, token: user.token)
                #expect(answer.status == 404 && answer.problem?.detail.contains("console") == true, "\(path)")
                #expect(answer.fields["content-type"] == "application/problem+json")
            }
            let own = "hello--\(user.user.uuid).functions.example"
            #expect(try await ask(server, "GET / HTTP/1.1", host: own).status == 421)
        }
        try await TestServer.run { server in
            let root = try await server.call(.get, "/")
            #expect(root.status == 404, "functions' listener has no console")
        }
    }

    @Test func pagesElsewhereReachNothing() async throws {
        try await TestServer.run(Self.configuration()) { server in
            for host in ["evil.example", "10.0.0.1"] {
                #expect(try await ask(server, "GET / HTTP/1.1", host: host).status == 421, "\(host)")
            }
            #expect(try await ask(server, "GET / HTTP/1.1", host: "invok.example").status == 200)
            // The functions' listener has the same names, at another port.
            for origin in ["http://localhost:3000", "https://invok.example", "http://evil.example", "null"] {
                let answer = try await ask(
                    server, "POST /auth/login HTTP/1.1\r\nOrigin: \(origin)\r\nContent-Length: 0",
                    host: "localhost:\(server.port)")
                #expect(answer.status == 403, "\(origin)")
                #expect(answer.fields["access-control-allow-origin"] == nil)
            }
            let own = try await ask(
                server, "POST /auth/login HTTP/1.1\r\nOrigin: http://localhost:\(server.port)\r\nContent-Length: 0",
                host: "localhost:\(server.port)")
            #expect(own.status == 400)
        }
    }

    // MARK: Calls

    private func call(
        _ server: TestServer, _ path: String, _ request: CallRequest, token: String
    ) async throws -> WireAnswer {
        let body = String(decoding: try JSONEncoder().encode(request), as: UTF8.self)
        return try await server.call(.post, path, token: token, body: body)
    }

    /// The data of the events, by their names.
    private func events(_ answer: WireAnswer) -> [(name: String, data: String)] {
        answer.body.split(separator: "\n\n").compactMap { block in
            block.firstMatch(of: /event: (\w+)\ndata: (.*)/).map { (String($0.1), String($0.2)) }
        }
    }

    @Test func aCallsAnswerIsDataOnBothListeners() async throws {
        for configuration in [ServerConfiguration(port: 0), try Self.configuration()] {
            try await TestServer.run(configuration) { server in
                let user = try await server.register()
                try await server.deploy("hello <script>", access: "private", token: user.token)
                let path = "/api/v1/functions/\(user.user.uuid)/hello/call"
                let answer = try await call(
                    server, path,
                    CallRequest(
                        method: "POST", path: "/a?b", headers: [.init(name: "X-Word", value: "given")],
                        body: Data("12345".utf8).base64EncodedString()), token: user.token)
                #expect(answer.status == 200 && answer.fields["content-type"] == "text/event-stream")
                #expect(answer.fields["x-content-type-options"] == "nosniff")
                let events = events(answer)
                #expect(events.map(\.name) == ["head", "body", "end"], "\(answer.body)")
                let head = try JSONDecoder().decode(CallHead.self, from: Data(events[0].data.utf8))
                #expect(head.status == 200)
                #expect(Data(base64Encoded: events[1].data) == Data("<script>".utf8))
                let end = try JSONDecoder().decode(CallEnd.self, from: Data(events[2].data.utf8))
                #expect(end.bytes == 8 && !end.truncated)
            }
        }
    }

    @Test func aCallThatCannotBeMadeSaysWhy() async throws {
        try await TestServer.run { server in
            let user = try await server.register()
            try await server.deploy("hello", token: user.token)
            let path = "/api/v1/functions/\(user.user.uuid)/hello/call"
            let wrong = [
                CallRequest(method: "GET /"), CallRequest(method: "CONNECT"), CallRequest(method: "GET", path: "a"),
                CallRequest(method: "GET", path: "/a b"), CallRequest(method: "GET", path: "/a\r\nX: y"),
                CallRequest(method: "GET", path: "/#a"), CallRequest(method: "POST", body: "not base64!"),
                CallRequest(method: "GET", headers: [.init(name: "A B", value: "c")]),
                CallRequest(method: "GET", headers: [.init(name: "A", value: "c\r\nX: y")]),
            ]
            for request in wrong {
                let answer = try await call(server, path, request, token: user.token)
                #expect(answer.status == 400 && answer.problem?.code == "invalid_request", "\(request)")
            }
            let missing = try await call(
                server, "/api/v1/functions/\(user.user.uuid)/other/call", CallRequest(method: "GET"), token: user.token)
            #expect(missing.status == 404)
        }
    }

    @Test func theFunctionGetsWhatAnyCallerWouldSendIt() async throws {
        try await TestServer.run { server in
            let user = try await server.register()
            try await server.deploy("echo", access: "private", token: user.token)
            let answer = try await call(
                server, "/api/v1/functions/\(user.user.uuid)/hello/call",
                CallRequest(
                    method: "PUT", path: "/a?b=c",
                    headers: [
                        .init(name: "X-Invok-Token", value: "forged"), .init(name: "Connection", value: "x-word"),
                        .init(name: "X-Forwarded-For", value: "10.0.0.1"), .init(name: "X-Word", value: "given"),
                        .init(name: "Cookie", value: "a=b"), .init(name: "Content-Length", value: "9999"),
                    ], body: Data([0, 255]).base64EncodedString()), token: user.token)
            #expect(!answer.body.contains(user.token) && !answer.body.contains("forged"))
            let events = events(answer)
            let head = try JSONDecoder().decode(CallHead.self, from: Data(try #require(events.first).data.utf8))
            let fields = Dictionary(head.headers.map { ($0.name.lowercased(), $0.value) }) { $1 }
            #expect(fields["x-echo-method"] == "PUT" && fields["x-echo-path"] == "/hello/a?b=c")
            #expect(fields["x-echo-cookie"] == "a=b" && fields["x-echo-x-word"] == nil)
            #expect(fields["x-echo-x-forwarded-for"] == "127.0.0.1")
            #expect(events.first { $0.name == "body" }.map { Data(base64Encoded: $0.data) } == Data([0, 255]))
        }
    }

    @Test func aLongAnswerIsCutAndAFailedOneSaysSo() async throws {
        try await TestServer.run { server in
            let user = try await server.register()
            let path = "/api/v1/functions/\(user.user.uuid)/hello/call"
            try await server.deploy("huge \(CallRoutes.answerBytes + 1)", token: user.token)
            let long = events(try await call(server, path, CallRequest(method: "GET"), token: user.token))
            let end = try JSONDecoder().decode(CallEnd.self, from: Data(try #require(long.last).data.utf8))
            #expect(end.truncated && end.bytes == CallRoutes.answerBytes)
            try await server.deploy("break", token: user.token)
            let broken = events(try await call(server, path, CallRequest(method: "GET"), token: user.token))
            #expect(broken.first?.name == "head" && broken.last?.name == "problem")
            #expect(broken.last?.data.contains("function_failed") == true)
        }
    }

    @Test func templatesAreThoseOfTheTool() async throws {
        try await TestServer.run { server in
            let user = try await server.register()
            for runtime in Runtime.allCases {
                let answer = try await server.call(
                    .get, "/api/v1/templates/\(runtime.rawValue)?name=add-up", token: user.token)
                let template = try answer.decode(TemplateMessage.self)
                #expect(template.files[runtime.sourceFileNames[0]] != nil && template.name == "add-up")
                #expect(template.files["config.json"]?.contains("\"add-up\"") == true)
            }
            #expect(
                try await server.call(.get, "/api/v1/templates/ruby", token: user.token).problem?.code
                    == "unknown_runtime")
            #expect(
                try await server.call(.get, "/api/v1/templates/go?name=A", token: user.token).problem?.code
                    == "invalid_name")
        }
    }
}
