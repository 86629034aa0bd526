import HTTPTypes
import Invok
import InvokProxy
import InvokSim
import Testing

@testable import InvokAPI

/// Who is let in, and where, on the wire.
@Suite(.timeLimit(.minutes(1)))
struct EntranceTests {
    private func configuration(
        _ listener: String = "127.0.0.1", hosts: [String] = [], proxies: [String] = [], origins: [String] = []
    ) throws -> ServerConfiguration {
        ServerConfiguration(
            port: 0, corsOrigins: origins,
            hosts: try HostRules(listener: listener, hosts: hosts, functionsHost: "functions.example"),
            trustedProxies: proxies.compactMap { AddressRange($0) })
    }

    private func status(
        _ server: TestServer, _ head: String, host: String = "localhost", body: String = ""
    ) async throws -> WireAnswer {
        try await WireClient.with(port: server.port) { client in
            try await client.send("\(head)\r\nHost: \(host)\r\nConnection: close\r\n\r\n\(body)")
            return try #require(try await client.answer())
        }
    }

    @Test func anotherHostIsMisdirected() async throws {
        try await TestServer.run(configuration()) { server in
            for path in ["/api/v1/me", "/auth/login", "/invok/n/f", "/"] {
                let answer = try await status(server, "GET \(path) HTTP/1.1", host: "evil.example:\(server.port)")
                #expect(answer.status == 421 && answer.problem?.code == "misdirected", "\(path)")
                #expect(answer.problem?.nextStep?.contains("INVOK_HOSTS") == true)
                #expect(try await status(server, "GET \(path) HTTP/1.1", host: "[::1]:1").status != 421)
            }
            // Probes from this machine ask by whatever address they have.
            for path in ["/healthz", "/readyz"] {
                #expect(try await status(server, "GET \(path) HTTP/1.1", host: "10.0.0.7:3000").status == 200)
            }
            #expect(try await status(server, "GET http://evil.example/api/v1/me HTTP/1.1").status == 421)
        }
        try await TestServer.run(configuration("0.0.0.0", hosts: ["invok.example"])) { server in
            let named = try await status(server, "GET /api/v1/me HTTP/1.1", host: "invok.example")
            let other = try await status(server, "GET /api/v1/me HTTP/1.1")
            #expect(named.status == 401 && other.status == 421)
        }
    }

    @Test func pagesElsewhereChangeNothing() async throws {
        try await TestServer.run(configuration(hosts: ["invok.example"], origins: ["https://page.example"])) { server in
            for (origin, expected) in [
                ("http://evil.example", 403), ("null", 403), ("http://localhost:1", 403),
                ("https://invok.example", 400),
                ("http://localhost:\(server.port)", 400), ("https://page.example", 400), ("http://page.example", 403),
            ] {
                let answer = try await status(
                    server, "POST /auth/login HTTP/1.1\r\nOrigin: \(origin)\r\nContent-Length: 2",
                    host: "localhost:\(server.port)", body: "{}")
                #expect(answer.status == expected, "\(origin)")
            }
            #expect(
                try await status(server, "POST /auth/login HTTP/1.1\r\nContent-Length: 2", body: "{}").status == 400)
            #expect(
                try await status(server, "GET /healthz HTTP/1.1\r\nOrigin: http://evil.example").status == 200)
        }
    }

    @Test func pagesThatAFunctionNamesMayCallIt() async throws {
        try await TestServer.run(configuration()) { server in
            let user = try await server.register()
            try await server.deploy(
                "hello", access: "private", cors: #"["https://page.example"]"#, token: user.token)
            let path = "/invok/\(user.user.uuid)/hello"
            let preflight = { (origin: String) in
                [
                    ("Origin", origin), ("Access-Control-Request-Method", "POST"),
                    ("Access-Control-Request-Headers", "authorization"),
                ]
            }
            let asked = try await server.call(.options, path, fields: preflight("https://page.example"))
            #expect(asked.status == 204 && asked.fields["access-control-allow-origin"] == "https://page.example")
            #expect(asked.fields["access-control-allow-headers"] == "authorization")
            let other = try await server.call(.options, path, fields: preflight("https://evil.example"))
            #expect(other.status == 401 && other.fields["access-control-allow-origin"] == nil)
            for (token, status) in [(user.token, 200), ("x", 401)] {
                let answer = try await server.call(
                    .post, path, token: token, fields: [("Origin", "https://page.example")])
                #expect(answer.status == status)
                #expect(answer.fields["access-control-allow-origin"] == "https://page.example")
            }
            let own = try await server.call(.get, path, token: user.token, fields: [("Origin", "https://evil.example")])
            #expect(own.status == 200 && own.fields["access-control-allow-origin"] == nil)
        }
    }

    @Test func aFunctionHasAHostOfItsOwn() async throws {
        try await TestServer.run(configuration()) { server in
            let user = try await server.register()
            try await server.deploy("echo", token: user.token)
            let host = "hello--\(user.user.uuid).functions.example"
            for (path, seen) in [
                ("/", "/hello"), ("/?q=1", "/hello?q=1"), ("/a/b?q", "/hello/a/b?q"), ("/healthz", "/hello/healthz"),
                ("/api/v1/me", "/hello/api/v1/me"), ("/invok/n/f", "/hello/invok/n/f"),
            ] {
                let answer = try await status(server, "GET \(path) HTTP/1.1", host: host)
                #expect(answer.fields["x-echo-path"] == seen, "\(path)")
                #expect(answer.fields["x-echo-x-forwarded-host"] == host)
            }
            let other = try await status(
                server, "GET / HTTP/1.1", host: "absent--\(user.user.uuid).functions.example")
            #expect(other.status == 401)
            // A service worker is this origin's own.
            let worker = "GET /sw.js HTTP/1.1\r\nService-Worker: script"
            #expect(try await status(server, worker, host: host).status == 200)
            let shared = "GET /invok/\(user.user.uuid)/hello/sw.js HTTP/1.1\r\nService-Worker: script"
            #expect(try await status(server, shared).status == 403)
        }
    }

    @Test func forwardingFieldsAreBelievedOfTrustedProxiesOnly() async throws {
        for (proxies, client, proto) in [([], "127.0.0.1", "http"), (["127.0.0.0/8"], "1.1.1.1", "https")] {
            try await TestServer.run(configuration(hosts: ["shop.example"], proxies: proxies)) { server in
                let user = try await server.register()
                try await server.deploy("echo", token: user.token)
                let answer = try await status(
                    server,
                    "GET /invok/\(user.user.uuid)/hello HTTP/1.1\r\nX-Forwarded-For: 6.6.6.6, 1.1.1.1\r\n"
                        + "X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\nX-Real-IP: 6.6.6.6\r\n"
                        + "X_Forwarded_For: 6.6.6.6\r\nForwarded: for=6.6.6.6")
                let chain = client == "1.1.1.1" ? "1.1.1.1, 127.0.0.1" : client
                #expect(answer.fields["x-echo-x-forwarded-for"] == chain)
                #expect(answer.fields["x-echo-x-real-ip"] == client)
                #expect(answer.fields["x-echo-x-forwarded-proto"] == proto)
                #expect(answer.fields["x-echo-x-forwarded-host"] == (proto == "https" ? "shop.example" : "localhost"))
                #expect(answer.fields["x-echo-x_forwarded_for"] == nil && answer.fields["x-echo-forwarded"] == nil)
            }
        }
    }

    @Test func limitsCountByTheClientBehindAProxy() async throws {
        try await TestServer.run(configuration(proxies: ["127.0.0.1"])) { server in
            let limit = server.system.settings.attemptsPerAddress
            let login = { @Sendable (client: String, email: Int) in
                let body = #"{"email":"\#(email)@a.example","password":"wrong horse"}"#
                return try await status(
                    server,
                    "POST /auth/login HTTP/1.1\r\nX-Forwarded-For: \(client)\r\nContent-Length: \(body.utf8.count)",
                    body: body
                ).status
            }
            // Two addresses of one IPv6 network have one budget.
            for email in 0..<limit {
                let status = try await login("2001:db8::\(email % 2 + 1)", email)
                #expect(status == 401)
            }
            let over = try await login("2001:db8::9", limit)
            let elsewhere = try await login("2001:db8:0:1::1", limit + 1)
            #expect(over == 429 && elsewhere == 401)
        }
    }
}
