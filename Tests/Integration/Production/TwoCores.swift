import Foundation
import Invok
import TestSupport
import Testing

/// Two servers of one installation: one PostgreSQL, one Redis, and a data directory each.
struct TwoCores: Sendable {
    static let secret = "kq3Vt8wZ1rXy5uBn7mCd9fGh2jLp4sQe"

    let first: CoreProcess
    let second: CoreProcess
    let services: OwnServices

    static func with(
        _ settings: [String: String] = [:], _ body: (TwoCores) async throws -> Void
    ) async throws {
        try await OwnServices.with("postgres", "redis") { services in
            try await withFolder { folder in
                let environment = [
                    "DATABASE_URL": services.databaseURL, "REDIS_URL": services.redisURL,
                    "AUTH_JWT_SECRET": secret, "INVOK_SECRETS_KEY": secret,
                ].merging(settings) { $1 }
                async let starting = CoreProcess.start(
                    dataDirectory: folder.appending(path: "1").path, port: 0, environment: environment)
                async let other = CoreProcess.start(
                    dataDirectory: folder.appending(path: "2").path, port: 0, environment: environment)
                let cores = TwoCores(first: try await starting, second: try await other, services: services)
                do {
                    try await body(cores)
                } catch {
                    await cores.end()
                    throw error
                }
                await cores.end()
            }
        }
    }

    private func end() async {
        await first.end(with: SIGTERM)
        await second.end(with: SIGTERM)
    }

    /// Somebody who is known to both, as a client of each.
    func person() async throws -> (ServerClient, ServerClient) {
        let client = try await ServerClient.register(at: first.url)
        return (client, ServerClient(url: second.url, namespace: client.namespace, token: client.token))
    }
}

extension ServerClient {
    static func saying(_ text: String) -> String { "def handler(request):\n    return '\(text)'\n" }

    /// What the function answers.
    func says(_ name: String) async throws -> String {
        let answer = try await call("GET", path(name))
        return answer.status == 200 ? answer.text : "status \(answer.status)"
    }

    func decoded<Message: Decodable>(_ type: Message.Type, _ answer: Answer) throws -> Message {
        try JSONDecoder().decode(type, from: Data(answer.body))
    }
}
