import Foundation
import Invok
import TestSupport
import Testing

@Suite(.seeded)
struct DeployScenarios {
    @Test(arguments: WorldName.selected)
    func redeployAndRollbackUnderLoadLoseNothing(_ world: WorldName) async throws {
        try await scenario("redeploy and rollback under load", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.hello("busy", saying: "v1"))
            let answers = try await client.callsFrom(4, to: "busy") {
                for version in 2...4 { try await client.deployed(.hello("busy", saying: "v\(version)")) }
                let rollback = try await client.post(client.api("busy", "/rollback"), RollbackRequest(to: 2))
                #expect(rollback.status == 200, "\(rollback.text)")
            }
            #expect(answers.keys.allSatisfy { ["v1", "v2", "v3", "v4"].contains($0) }, "\(answers)")
            #expect(try await client.get(client.path("busy")).text == "v2")
            let versions = try await client.get(client.api("busy", "/versions")).json([VersionMessage].self)
            #expect(versions.map(\.number) == [4, 3, 2, 1])
            #expect(versions.filter(\.active).map(\.number) == [2])
            try await eventually(on: installation, "old versions are gone") {
                try await client.status(of: "busy").instances == 1
            }
        }
    }

    /// The names and the data of events, in their order.
    private func events(_ answer: Answer) -> [(name: String, data: String)] {
        answer.text.split(separator: "\n\n").compactMap { event in
            let lines = event.split(separator: "\n")
            guard lines.count == 2, lines[0].hasPrefix("event: "), lines[1].hasPrefix("data: ") else { return nil }
            return (String(lines[0].dropFirst(7)), String(lines[1].dropFirst(6)))
        }
    }

    @Test(arguments: WorldName.selected)
    func aDeployIsFollowedByEvents(_ world: WorldName) async throws {
        try await scenario("a deploy as events", on: world) { installation in
            let client = try await Client.register(on: installation)
            let fixtures = (works: Fixture.hello("live"), fails: Fixture.notBuilding("live"))
            let types = "text/event-stream, application/json"
            let good = try await client.upload(fixtures.works.archive, named: "live.zip", accept: types)
            #expect(good.status == 200 && good["Content-Type"] == "text/event-stream")
            let last = try #require(events(good).last)
            #expect(last.name == "deployed")
            let deployed = try JSONDecoder().decode(DeployResponse.self, from: Data(last.data.utf8))
            #expect(deployed.version == 1 && deployed.name == "live")

            let bad = try await client.upload(fixtures.fails.archive, named: "live.zip", accept: types)
            #expect(bad.status == 200)
            let failed = events(bad)
            #expect(failed.contains { $0.name == "log" && $0.data.contains("SyntaxError") }, "\(bad.text)")
            #expect(failed.last?.name == "problem")
            let problem = try JSONDecoder().decode(ProblemMessage.self, from: Data((failed.last?.data ?? "").utf8))
            #expect(problem.code == "build_failed" && problem.buildLog?.contains("SyntaxError") == true)
            // What is wrong before the deploy begins is said as ever, and so is all to who asks for nothing else.
            let early = try await client.upload(
                fixtures.works.archive, named: "live.zip", query: "?access=x", accept: types)
            #expect(early.problem == "invalid_request")
            let plain = try await client.upload(fixtures.fails.archive, named: "live.zip", accept: "application/json")
            #expect(plain.status == 422 && plain.problem == "build_failed")
            #expect(try await client.get(client.path("live")).text == "hello")
        }
    }

    @Test(arguments: WorldName.selected)
    func rollbackGoesToTheVersionBefore(_ world: WorldName) async throws {
        try await scenario("rollback", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.hello("back", saying: "one"))
            let early = try await client.post(client.api("back", "/rollback"), RollbackRequest())
            #expect(early.status == 409)
            try await client.deployed(.hello("back", saying: "two"))
            let rollback = try await client.post(client.api("back", "/rollback"), RollbackRequest())
            #expect(try rollback.json(DeployResponse.self).version == 1)
            #expect(try await client.get(client.path("back")).text == "one")
            #expect(try await client.post(client.api("back", "/rollback"), RollbackRequest(to: 1)).status == 409)
            #expect(try await client.post(client.api("back", "/rollback"), RollbackRequest(to: 9)).status == 404)
            let next = try await client.deployed(.hello("back", saying: "three"))
            #expect(next.version == 3)
        }
    }

    @Test(arguments: WorldName.selected)
    func twoDeploysAtOnceAreBothAnsweredTruthfully(_ world: WorldName) async throws {
        try await scenario("two deploys at once", on: world) { installation in
            let client = try await Client.register(on: installation)
            let statuses = try await withThrowingTaskGroup(of: (Int, String).self) { group in
                for text in ["left", "right"] {
                    group.addTask { (try await client.deploy(.hello("twice", saying: text)).status, text) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.allSatisfy { [200, 409].contains($0.0) }, "\(statuses)")
            let winners = statuses.filter { $0.0 == 200 }.map(\.1)
            #expect(!winners.isEmpty)
            let answer = try await client.get(client.path("twice")).text
            #expect(winners.contains(answer))
        }
    }

    @Test(arguments: WorldName.selected)
    func accessIsGivenByConfigurationAndChanged(_ world: WorldName) async throws {
        try await scenario("access", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.hello("door").with { $0.access = "public" })
            #expect(try await client.anonymous.get(client.path("door")).status == 200)
            let update = try await client.put(client.api("door"), FunctionUpdate(access: .private))
            #expect(update.status == 200, "\(update.text)")
            #expect(try update.json(DeployResponse.self).version == 1, "the code is the same")
            #expect(try await client.anonymous.get(client.path("door")).status == 401)
            try await client.deployed(.hello("door"))
            #expect(
                try await client.anonymous.get(client.path("door")).status == 401, "a deploy keeps what it does not say"
            )
            _ = try await client.upload(Fixture.hello("door").archive, named: "door.zip", query: "?access=public")
            #expect(try await client.anonymous.get(client.path("door")).status == 200)
        }
    }

    @Test(arguments: WorldName.selected)
    func aDeletedFunctionIsGone(_ world: WorldName) async throws {
        try await scenario("delete", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.hello("gone", saying: "before"))
            #expect(try await client.delete(client.api("gone")).status == 204)
            #expect(try await client.get(client.path("gone")).status == 404)
            #expect(try await client.get(client.api("gone")).status == 404)
            #expect(try await client.delete(client.api("gone")).status == 404)
            #expect(try await client.get("/invok/list").text == "[]")
            let again = try await client.deployed(.hello("gone", saying: "after"))
            #expect(again.version == 2, "numbers are not used again")
            #expect(try await client.get(client.path("gone")).text == "after")
        }
    }

    @Test(arguments: WorldName.selected)
    func aFunctionDeletedWhileItIsCalledFinishesItsAnswer(_ world: WorldName) async throws {
        try await scenario("delete while called", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.slow("slow", milliseconds: 3000))
            async let answer = client.get(client.path("slow"))
            try await eventually(on: installation, "the request is there") {
                try await client.status(of: "slow").requests == 1
            }
            #expect(try await client.delete(client.api("slow")).status == 204)
            let late = try await answer
            #expect(late.text == "slow")
            #expect(try await client.get(client.path("slow")).status == 404)
        }
    }

    @Test(arguments: WorldName.selected)
    func badArchivesAreExplainedAndChangeNothing(_ world: WorldName) async throws {
        try await scenario("bad archives", on: world) { installation in
            let client = try await Client.register(on: installation)
            for (name, archive, code) in BadArchive.all {
                let answer = try await client.upload(archive, named: "bad.zip")
                #expect([400, 413].contains(answer.status), "\(name): \(answer.status) \(answer.text)")
                #expect(answer.problem == code, "\(name): \(answer.text)")
            }
            #expect(try await client.get("/invok/list").text == "[]")
            let wrongName = try await client.upload(Fixture.hello("right").archive, named: "wrong.zip")
            #expect(wrongName.problem == "invalid_config")
            let notZip = try await client.upload(Fixture.hello("right").archive, named: "right.tar")
            #expect(notZip.problem == "invalid_archive")
        }
    }
}

/// Archives that must be refused, with the problem that they give.
private enum BadArchive {
    static let config = #"{"function_name":"bad","runtime":"python","env":{}}"#

    static let all: [(name: String, archive: [UInt8], code: String)] = {
        let whole = zip(["config.json": config, "function.py": "def handler(request): pass"])
        return [
            ("empty", [], "invalid_archive"),
            ("not a zip", Array("hello".utf8), "invalid_archive"),
            ("truncated", Array(whole.dropLast(30)), "invalid_archive"),
            ("no entries", ZipWriter().finish(), "invalid_archive"),
            ("no config", zip(["function.py": ""]), "invalid_archive"),
            ("no source", zip(["config.json": config]), "invalid_archive"),
            ("parent", zip(["config.json": config, "../function.py": ""]), "invalid_archive"),
            ("absolute", zip(["config.json": config, "/function.py": ""]), "invalid_archive"),
            ("backslash", zip(["config.json": config, "a\\function.py": ""]), "invalid_archive"),
            ("letter case", zip(["config.json": config, "function.py": "", "Function.py": ""]), "invalid_archive"),
            (
                "twice", zip(files: [("config.json", config), ("function.py", ""), ("function.py", "")]),
                "invalid_archive"
            ),
            (
                "file and folder", zip(["config.json": config, "function.py": "", "a": "", "a/b": ""]),
                "invalid_archive"
            ),
            ("many entries", zip(files: (0...20_000).map { ("f\($0)", "") }), "payload_too_large"),
            ("not JSON", zip(["config.json": "{", "function.py": ""]), "invalid_config"),
            ("unknown key", configured(#"{"function_name":"bad","runtime":"python","evn":{}}"#), "invalid_config"),
            ("unknown runtime", configured(#"{"function_name":"bad","runtime":"cobol"}"#), "unknown_runtime"),
            ("bad name", configured(#"{"function_name":"-bad","runtime":"python"}"#), "invalid_name"),
            ("another name", configured(#"{"function_name":"good","runtime":"python"}"#), "invalid_config"),
            (
                "bad limit", configured(#"{"function_name":"bad","runtime":"python","limits":{"memoryMB":1}}"#),
                "invalid_config"
            ),
            (
                "bad variable", configured(#"{"function_name":"bad","runtime":"python","env":{"A B":"c"}}"#),
                "invalid_config"
            ),
        ]
    }()

    private static func configured(_ config: String) -> [UInt8] { zip(["config.json": config, "function.py": ""]) }

    private static func zip(_ files: [String: String]) -> [UInt8] {
        zip(files: files.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }

    private static func zip(files: [(path: String, content: String)]) -> [UInt8] {
        var zip = ZipWriter()
        for (path, content) in files { zip.add(path, content: Array(content.utf8)) }
        return zip.finish()
    }
}
