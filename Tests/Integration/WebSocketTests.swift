import Foundation
import TestSupport
import Testing

extension IntegrationTests {
    /// Upgrades through the whole server.
    @Suite(.timeLimit(.minutes(5)))
    struct WebSocketTests {
        private static let handler = "GoWebsocketHandler"
        private static let source = Products.package.appending(path: "Examples/go-websocket/function.go")

        /// The example under another name.
        private func echo(_ name: String) throws -> String {
            try String(contentsOf: Self.source, encoding: .utf8)
                .replacing(Self.handler, with: "\(name.prefix(1).uppercased())\(name.dropFirst())Handler")
        }

        /// Also as the very first request, which starts the instance.
        @Test func aPrivateFunctionTakesThemFromWhoHasAToken() async throws {
            let core = try #require(ServerTrait.current)
            let user = try await ServerClient.register(at: core.url)
            #expect(try await user.deploy("chat", source: echo("chat"), runtime: "go").status == 200)
            let url = core.url + user.path("chat")
            let socket = try await WebSocketClient.connect(to: url, token: user.token)
            #expect(try await socket.echo("hello") == "hello")
            let (_, refused) = try await WebSocketClient.handshake(with: url)
            #expect(refused.hasPrefix("HTTP/1.1 401 "))
            try await socket.sayGoodbye()
            try await eventually("no request is counted") {
                try await user.call("GET", "/api/v1/status").text.contains(#""requests":0"#)
            }
        }

        /// It is an ordinary request for who knows no other.
        @Test(arguments: [
            ("python", "def handler(request):\n    return request.headers.get('upgrade')\n", 200, "websocket"),
            (
                "python",
                """
                async def app(scope, receive, send):
                    await send({"type": "http.response.start", "status": 200, "headers": []})
                    await send({"type": "http.response.body", "body": scope["type"].encode()})
                """, 200, "http"
            ),
            ("python", "def handler(request):\n    return '', 101\n", 500, "the function failed"),
            ("nodejs", "export default async (request) => new Response(request.method);\n", 200, "GET"),
            ("nodejs", "export default async () => new Response(null, { status: 101 });\n", 500, "the function failed"),
        ])
        func aFunctionThatKnowsNoUpgradeAnswers(runtime: String, source: String, status: Int, body: String)
            async throws
        {
            let core = try #require(ServerTrait.current)
            let user = try await ServerClient.register(at: core.url)
            #expect(try await user.deploy("plain", source: source, runtime: runtime).status == 200)
            let (connection, head) = try await WebSocketClient.handshake(
                with: core.url + user.path("plain"), token: user.token)
            #expect(head.hasPrefix("HTTP/1.1 \(status) "), "\(head)")
            #expect(head.lowercased().contains("connection: close"))
            #expect(String(decoding: try await connection.rest(), as: UTF8.self).contains(body))
        }

        /// The time that requests have when the server stops is that of tunnels when a version is replaced, too.
        @Test func theyEndWithTheirVersionAndWithTheServer() async throws {
            try await withFolder { folder in
                let core = try await CoreProcess.start(
                    dataDirectory: folder.path + "/data", port: 0, environment: ["INVOK_STOP_SECONDS": "1"])
                let user = try await ServerClient.register(at: core.url)
                #expect(try await user.deploy("chat", source: echo("chat"), runtime: "go").status == 200)
                let url = core.url + user.path("chat")
                let old = try await WebSocketClient.connect(to: url, token: user.token)
                #expect(try await old.echo("a") == "a")
                #expect(try await user.deploy("chat", source: echo("chat") + "\n", runtime: "go").status == 200)
                let new = try await WebSocketClient.connect(to: url, token: user.token)
                try await old.ended()
                #expect(try await new.echo("b") == "b")
                let begun = ContinuousClock.now
                #expect(await core.end(with: SIGTERM) == 0)
                #expect(ContinuousClock.now - begun < .seconds(15))
                try await new.ended()
            }
        }
    }
}
