import Invok
import Testing

/// What the seeded scenarios rest on.
struct SeededRunTests {
    private struct Wrong: Error {}

    @Test func theSameSeedsGiveTheSameRuns() async throws {
        let visit: @Sendable (any Installation) async throws -> Void = { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.logging("talks", "hello"))
            async let calls = withThrowingTaskGroup(of: Int.self) { group in
                for _ in 1...8 { group.addTask { try await client.get(client.path("talks")).status } }
                return try await group.reduce(0, +)
            }
            try await installation.crashAndRestart()
            _ = try? await calls
            try await client.deployed(.hello("talks"))
        }
        let first = try await SeededRun.eachSeed(visit)
        let second = try await SeededRun.eachSeed(visit)
        #expect(first == second)
    }

    @Test func whatAScenarioThrowsFailsIt() async {
        await #expect(throws: Wrong.self) { _ = try await SeededRun.eachSeed { _ in throw Wrong() } }
    }
}
