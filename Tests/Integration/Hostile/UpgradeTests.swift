import Foundation
import TestSupport
import Testing

extension IntegrationTests {
    /// Bytes behind a message that ends what the server understands: nobody will ever take them.
    @Suite(.timeLimit(.minutes(5)))
    struct UpgradeTests {
        private static let flood = 64 << 20
        private static let piece = [UInt8](repeating: UInt8(ascii: "A"), count: 1 << 20)

        private func expectNothingIsKept(_ core: CoreProcess, _ head: String, answer: String?) throws {
            let before = core.holdings
            let socket = try HostileSocket(port: core.port)
            socket.send(head)
            if let answer { #expect(socket.text().hasPrefix("HTTP/1.1 \(answer)"), "\(head)") }
            socket.send(Self.piece, upTo: Self.flood)
            let after = core.holdings
            #expect(before.memory > 0 && after.memory - before.memory < 16 << 20, "\(head)")
        }

        @Test(arguments: [
            ("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", "200"),
            ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "501"),
            ("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "200"),
            ("nonsense\r\n\r\n", "400"),
        ])
        func whatFollowsTheLastRequestIsNeverKept(head: String, status: String) async throws {
            try expectNothingIsKept(try #require(ServerTrait.current), head, answer: status)
        }

        @Test(arguments: ["Connection: Upgrade\r\nUpgrade: x", "Connection: close", "Connection: keep-alive"])
        func nothingIsKeptWhileAnAnswerIsPending(fields: String) async throws {
            let core = try #require(ServerTrait.current)
            let user = try await ServerClient.register(at: core.url)
            let source = "import time\ndef handler(r):\n    time.sleep(8)\n    return 'late'\n"
            #expect(try await user.deploy("hang", source: source).status == 200)
            try expectNothingIsKept(
                core,
                "GET \(user.path("hang")) HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(user.token ?? "")\r\n"
                    + "\(fields)\r\n\r\n", answer: nil)
        }
    }
}
