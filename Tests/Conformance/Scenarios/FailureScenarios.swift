import Foundation
import Invok
import Testing

@Suite(.seeded)
struct FailureScenarios {
    @Test(arguments: WorldName.selected)
    func aFunctionThatDoesNotBuildLeavesTheOldOne(_ world: WorldName) async throws {
        try await failedDeploy(
            world, "does not build", .notBuilding("fragile"), code: "build_failed", log: "function.py")
    }

    @Test(arguments: WorldName.selected)
    func aFunctionThatCrashesAtStartLeavesTheOldOne(_ world: WorldName) async throws {
        try await failedDeploy(world, "crashes at start", .crashing("fragile"), code: "start_failed", log: "ready")
    }

    @Test(arguments: WorldName.selected)
    func aFunctionThatIsNeverReadyLeavesTheOldOne(_ world: WorldName) async throws {
        let fixture = Fixture.neverReady("fragile").with { $0.limits = ["startSeconds": 2] }
        try await failedDeploy(
            world, "never ready", fixture, code: "start_failed", log: "not ready within 2 s, which limits.startSeconds")
        // A simulated function prints nothing of its own.
        guard world != .sim else { return }
        try await failedDeploy(world, "never ready, with words", fixture, code: "start_failed", log: "loading a model")
    }

    private func failedDeploy(
        _ world: WorldName, _ name: String, _ fixture: Fixture, code: String, log: String
    ) async throws {
        try await scenario(name, on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.hello("fragile"))
            let answer = try await client.deploy(fixture)
            #expect(answer.status == 422)
            let problem = try answer.json(ProblemMessage.self)
            #expect(problem.code == code)
            #expect(problem.buildLog?.contains(log) == true, "\(problem)")
            #expect(try await client.get(client.path("fragile")).text == "hello")
            let versions = try await client.get(client.api("fragile", "/versions")).json([VersionMessage].self)
            #expect(versions.map(\.state) == [.failed, .ready])
            #expect(versions.map(\.active) == [false, true])
            try await eventually(on: installation, "nothing of the failed version is left") {
                try await client.status(of: "fragile").instances == 1
            }
        }
    }

    @Test(arguments: WorldName.selected)
    func aHangingFunctionTimesOut(_ world: WorldName) async throws {
        try await scenario("hanging function", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.hanging("hang").with { $0.limits = ["timeoutSeconds": 1] })
            let answer = try await client.get(client.path("hang"))
            #expect(answer.status == 504)
            #expect(answer.problem == "function_timeout")
            try await eventually(on: installation, "its log names the limit") {
                let lines = try await client.get(client.api("hang", "/logs")).json([LogMessage].self)
                return lines.contains { $0.source == .platform && $0.text.contains("limits.timeoutSeconds") }
            }
            try await eventually(on: installation, "its place is free again") {
                try await client.status(of: "hang").requests == 0
            }
        }
    }

    @Test(arguments: WorldName.selected)
    func aDyingFunctionIsABadGateway(_ world: WorldName) async throws {
        try await scenario("dying function", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.dying("dies"))
            let answer = try await client.get(client.path("dies"))
            #expect(answer.status == 502)
            #expect(answer.problem == "function_failed")
            for _ in 1...5 {
                let again = try await client.get(client.path("dies"))
                #expect([502, 503].contains(again.status))
                #expect(again.status != 503 || again["Retry-After"] != nil)
            }
            try await client.deployed(.hello("dies", saying: "mended"))
            #expect(try await client.get(client.path("dies")).text == "mended")
        }
    }

    @Test(arguments: WorldName.own)
    func aCrashedCoreComesBackWithEverythingAcknowledged(_ world: WorldName) async throws {
        try await isolatedScenario("crash of the core", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.hello("stable", saying: "one"))
            try await client.deployed(.hello("stable", saying: "two"))
            try await installation.crashAndRestart()
            #expect(try await client.get(client.path("stable")).text == "two")
            let list = try await client.get("/invok/list").json([FunctionMessage].self)
            #expect(list.map(\.activeVersion) == [2])
        }
    }

    @Test(arguments: WorldName.own)
    func aCrashDuringADeployLeavesTheOldOrTheNewVersion(_ world: WorldName) async throws {
        try await isolatedScenario("crash during a deploy", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.hello("stable", saying: "old"))
            // It never becomes ready, so the deploy is under way for as long as the crash needs.
            async let deploy = client.deploy(.neverReady("stable"))
            try await eventually(on: installation, "the deploy has begun") {
                try await client.get(client.api("stable", "/versions")).json([VersionMessage].self).count == 2
            }
            try await installation.crashAndRestart()
            _ = try? await deploy
            #expect(try await client.get(client.path("stable")).text == "old")
            // With a cache that outlives the core, it could be another core's until its lease has run out.
            try await eventually(on: installation, "the half-done deploy has failed", within: .seconds(120)) {
                let versions = try await client.get(client.api("stable", "/versions")).json([VersionMessage].self)
                return versions.map(\.state) == [.failed, .ready]
            }
            #expect(try await client.get(client.path("stable")).text == "old")
            try await client.deployed(.hello("stable", saying: "new"))
            #expect(try await client.get(client.path("stable")).text == "new")
        }
    }
}
