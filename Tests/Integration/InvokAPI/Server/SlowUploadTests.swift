import Invok
import Testing

@testable import InvokAPI

@Suite(.timeLimit(.minutes(1)))
struct SlowUploadTests {
    /// Endless uploads, more than there are places for deploys, hold none of them.
    @Test func whoSendsSlowlyHoldsNoPlace() async throws {
        try await TestServer.run { server in
            let slow = try await server.register("slow@example.com")
            let quick = try await server.register("quick@example.com")
            try await holding(2 * server.system.settings.concurrentDeploys, of: slow.token, on: server) {
                try await server.deploy("hello", token: quick.token)
                // Nor do they keep who sends them from deploying.
                try await server.deploy("hello", token: slow.token)
            }
            #expect(server.system.uploads.held.files == 0)
        }
    }

    /// Runs the body while that many uploads have begun, of which more never comes.
    private func holding(
        _ count: Int, of token: String, on server: TestServer, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        guard count > 0 else { return try await body() }
        let held = server.system.uploads.held.files
        try await WireClient.with(port: server.port) { client in
            try await client.send(
                "POST /invok/deploy HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n"
                    + "Content-Type: multipart/form-data; boundary=XX\r\nContent-Length: 100000\r\n\r\n"
                    + "--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.zip\"\r\n\r\nPK")
            while server.system.uploads.held.files == held { await Task.yield() }
            try await holding(count - 1, of: token, on: server, body)
        }
        while server.system.uploads.held.files > held { await Task.yield() }
    }
}
