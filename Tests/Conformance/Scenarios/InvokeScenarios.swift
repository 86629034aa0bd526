import Foundation
import Invok
import Testing

@Suite(.seeded)
struct InvokeScenarios {
    @Test(arguments: WorldName.selected)
    func deployListInvokeColdAndWarm(_ world: WorldName) async throws {
        try await scenario("deploy, list, invoke", on: world) { installation in
            let client = try await Client.register(on: installation)
            #expect(try await client.get("/invok/list").text == "[]")
            let deployed = try await client.deployed(.hello("hello"))
            #expect(deployed.version == 1)
            #expect(deployed.path == client.path("hello"))
            for _ in 1...3 {
                let answer = try await client.get(client.path("hello"))
                #expect(answer.status == 200)
                #expect(answer.text == "hello")
            }
            let list = try await client.get("/invok/list").json([FunctionMessage].self)
            #expect(list.map(\.name) == ["hello"])
            #expect(list.first?.uuid == client.user?.uuid)
            #expect(list.first?.runtime == .python)
            #expect(list.first?.access == .private)
        }
    }

    @Test(arguments: WorldName.selected)
    func requestsPassThroughUnchanged(_ world: WorldName) async throws {
        try await scenario("requests pass through", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.echo("echo"))
            let bytes = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            for method in ["POST", "PUT", "PATCH", "DELETE"] {
                let answer = try await client.send(
                    method, client.path("echo", "/a%20b/c?x=1&x=2&y=%2F"), headers: [("X-Custom", "a, b; c")],
                    body: bytes)
                #expect(answer.status == 200)
                #expect(answer.body == bytes)
                #expect(answer["x-echo-method"] == method)
                #expect(answer["x-echo-path"] == "/echo/a%20b/c?x=1&x=2&y=%2F")
                #expect(answer["x-echo-x-custom"] == "a, b; c")
            }
            let get = try await client.get(client.path("echo"))
            #expect(get["x-echo-path"] == "/echo")
            let head = try await client.send("HEAD", client.path("echo"))
            #expect(head.status == 200)
            #expect(head.body.isEmpty)
        }
    }

    @Test(arguments: WorldName.selected)
    func anUpgradeIsATunnel(_ world: WorldName) async throws {
        try await scenario("an upgrade is a tunnel", on: world, onBytes: false) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.tunnel("tunnel"))
            let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            for size in [0, 1, bytes.count] {
                let sent = Array(bytes.prefix(size))
                let answer = try await client.tunnel(client.path("tunnel", "/a?b"), to: "x/1", sending: sent)
                #expect(answer.body == sent, "\(size)")
                #expect(answer["upgrade"] == "x/1" && answer["x-request-id"] != nil)
            }
            // A function that knows of none sees an ordinary request, and one that is not offered any does too.
            try await client.deployed(.echo("echo"))
            let upgrade = [("Connection", "Upgrade"), ("Upgrade", "h2c")]
            #expect(try await client.send("GET", client.path("tunnel"), headers: upgrade).status == 200)
            let answer = try await client.send(
                "GET", client.path("echo"), headers: [("Connection", "Upgrade"), ("Upgrade", "x")])
            #expect(answer.status == 200 && answer["x-echo-upgrade"] == "x")
            // A tunnel is over when it is over: nothing is counted any more.
            try await eventually(on: installation, "no request is counted") {
                try await client.get("/api/v1/status").text.contains("\"requests\":0")
            }
        }
    }

    @Test(arguments: WorldName.selected)
    func whereAFunctionStandsIsTold(_ world: WorldName) async throws {
        try await scenario("where a function stands", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(
                .echo("echo").with {
                    $0.sourcePath = "src/app.py"
                    $0.settings = ["entry": "src/app.py"]
                })
            // Cold and warm: they take different ways through the gateway.
            for _ in 1...3 {
                let answer = try await client.send(
                    "GET", client.path("echo", "/a%2Fb//c?x=%20"),
                    headers: [
                        ("Cookie", "a=1"), ("X-Forwarded-Prefix", "/lie"), ("X-Invok-Target", "/lie"),
                        ("Cookie", "b=2"),
                    ])
                #expect(answer.status == 200)
                #expect(answer["x-echo-x-forwarded-prefix"] == client.path("echo"))
                #expect(answer["x-echo-x-invok-target"] == "/echo/a%2Fb//c?x=%20")
                #expect(answer["x-echo-cookie"] == "a=1; b=2")
            }
        }
    }

    @Test(arguments: WorldName.selected)
    func anEntryThatIsNotThereIsNamed(_ world: WorldName) async throws {
        try await scenario("an entry that is not there", on: world) { installation in
            let client = try await Client.register(on: installation)
            let fixture = Fixture.hello("hello").with { $0.settings = ["entry": "function.handler"] }
            let answer = try await client.deploy(fixture)
            #expect(answer.status == 400)
            #expect(answer.text.contains("function.py:handler"))
        }
    }

    /// By a compiler that is not the runtime's own, wherever the build runs.
    @Test(arguments: WorldName.selected)
    func typescriptIsCompiled(_ world: WorldName) async throws {
        try await scenario("TypeScript is compiled", on: world) { installation in
            let client = try await Client.register(on: installation)
            let source = """
                // sim: hello red 3
                enum Colour { red = "red" }
                class Count { constructor(private readonly value: number) {} toString() { return `${this.value}`; } }
                export default () => `${Colour.red} ${new Count(3)}`;
                """
            try await client.deployed(
                Fixture(name: "typed", runtime: .nodejs, source: source).with { $0.sourcePath = "function.ts" })
            #expect(try await client.get(client.path("typed")).text == "red 3")
        }
    }

    @Test(arguments: WorldName.selected)
    func thePlatformsTokenStaysHere(_ world: WorldName) async throws {
        try await scenario("token is not forwarded", on: world) { installation in
            let client = try await Client.register(on: installation)
            let token = try #require(client.token)
            try await client.deployed(.echo("closed"))
            try await client.deployed(.echo("open").with { $0.access = "public" })
            for name in ["closed", "open"] {
                let answer = try await client.send(
                    "GET", client.path(name), headers: [("X-Invok-Secret", "mine"), ("X-Invok-Token", token)])
                #expect(answer.status == 200)
                #expect(!answer.headers.contains { $0.value.contains(token) }, "\(name)")
                #expect(answer["x-echo-x-invok-secret"] == nil)
                #expect(answer["x-echo-x-invok-request-id"] != nil)
            }
            let own = try await client.anonymous.send(
                "GET", client.path("closed"), headers: [("X-Invok-Token", token), ("Authorization", "Basic bWU6aXQ=")])
            #expect(own.status == 200)
            #expect(own["x-echo-authorization"] == "Basic bWU6aXQ=")
        }
    }

    /// Not where somebody else has started the server: behind Docker's proxy one address stands for all callers.
    @Test(arguments: WorldName.own)
    func aStrangersFloodCostsTheOwnerNothing(_ world: WorldName) async throws {
        try await scenario("a flood of a stranger", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(
                .hello("open").with {
                    $0.access = "public"
                    $0.limits = ["ratePerCaller": 1]
                })
            let stranger = client.anonymous
            for _ in 1...2 { #expect(try await stranger.get(client.path("open")).text == "hello") }
            var refused: Answer?
            for _ in 1...100 where refused == nil {
                let answer = try await stranger.get(client.path("open"))
                if answer.status != 200 { refused = answer }
            }
            #expect(refused?.status == 429 && refused?.problem == "too_many_requests")
            #expect(refused?.text.contains("limits.ratePerCaller") == true)
            #expect(refused?["Retry-After"] == "1")
            for _ in 1...5 { #expect(try await client.get(client.path("open")).text == "hello") }
            try await eventually(on: installation, "a stranger is answered again") {
                try await stranger.get(client.path("open")).status == 200
            }
        }
    }

    @Test(arguments: WorldName.selected)
    func statusesAndLargeAnswersPass(_ world: WorldName) async throws {
        try await scenario("statuses and large answers", on: world) { installation in
            let client = try await Client.register(on: installation)
            for code in [201, 204, 404, 418, 503] {
                try await client.deployed(.status("status-\(code)", code))
                #expect(try await client.get(client.path("status-\(code)")).status == code)
            }
            try await client.deployed(.huge("huge", bytes: 20 << 20))
            let answer = try await client.get(client.path("huge"))
            #expect(answer.body.count == 20 << 20)
        }
    }

    @Test(arguments: WorldName.selected)
    func environmentReachesTheFunction(_ world: WorldName) async throws {
        try await scenario("environment", on: world) { installation in
            let client = try await Client.register(on: installation)
            let value = #"$(id) `id` 'quote" \ = ü"#
            try await client.deployed(.env("env", "GREETING").with { $0.env = ["GREETING": value] })
            #expect(try await client.get(client.path("env")).text == value)
            let update = try await client.put(client.api("env"), FunctionUpdate(env: ["GREETING": "other"]))
            #expect(update.status == 200, "\(update.text)")
            #expect(try update.json(DeployResponse.self).version == 2)
            #expect(try await client.get(client.path("env")).text == "other")
        }
    }

    @Test(arguments: WorldName.selected)
    func scaleToZeroAndBack(_ world: WorldName) async throws {
        try await scenario("scale to zero and back", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.hello("sleepy").with { $0.limits = ["idleSeconds": 1] })
            #expect(try await client.get(client.path("sleepy")).status == 200)
            try await eventually(on: installation, "no instance is left") {
                try await client.status(of: "sleepy").instances == 0
            }
            #expect(try await client.get(client.path("sleepy")).text == "hello")
            // The place of a request is free right after its caller has the answer.
            try await eventually(on: installation, "no request is counted") {
                try await client.status(of: "sleepy").requests == 0
            }
        }
    }

    @Test(arguments: WorldName.selected)
    func concurrencyStartsInstancesUpToTheLimit(_ world: WorldName) async throws {
        try await scenario("concurrency", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(
                .slow("slow", milliseconds: 200).with { $0.limits = ["concurrency": 1, "maxInstances": 3] })
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 1...12 { group.addTask { try await client.get(client.path("slow")).status } }
                try await eventually(on: installation, "three instances run") {
                    try await client.status(of: "slow").instances == 3
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses == [Int](repeating: 200, count: 12))
            #expect(try await client.status(of: "slow").instances <= 3)
        }
    }
}

extension Client {
    func status(of name: String) async throws -> StatusMessage.FunctionStatus {
        let status = try await get("/api/v1/status").json(StatusMessage.self)
        return try #require(status.functions.first { $0.name == name })
    }
}
