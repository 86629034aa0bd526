import Foundation
import Invok
import TestSupport
import Testing

@testable import InvokDocker

/// The engine against a real Docker.
@Suite(.enabled(if: Services.areSelected), .timeLimit(.minutes(5)))
struct DockerEngineTests {
    private static let hello = """
        import os
        def handler(request):
            return os.environ.get("GREETING", "hello")
        """

    @Test(arguments: [Runtime.go, .nodejs, .python])
    func runsAFunctionAndLeavesNothing(_ runtime: Runtime) async throws {
        let sources: [Runtime: String] = [
            .go: """
            package main
            import ("fmt"; "net/http"; "os")
            func HelloHandler(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getenv("GREETING")) }
            """, .nodejs: "export default async () => new Response(process.env.GREETING);", .python: Self.hello,
        ]
        try await DockerFixture.with { fixture in
            let greeting = "a 'b' $c\n\"d\""
            let spec = try fixture.spec(
                try await fixture.build(try #require(sources[runtime]), runtime), runtime,
                environment: ["GREETING": greeting])
            let running = try await fixture.engine.start(spec)
            #expect(try await fixture.engine.list() == [running])
            let answer = try await DockerFixture.get("/hello", from: running)
            #expect(answer.text == greeting && answer.status == 200)
            await #expect(throws: EngineError.startFailed("the instance \(spec.id) runs already")) {
                try await fixture.engine.start(spec)
            }
            await fixture.engine.stop(spec.id, grace: .seconds(5))
            #expect(try await fixture.engine.list().isEmpty)
            #expect(try await fixture.containers().isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.directory + "/run").isEmpty)
            await #expect(throws: (any Error).self) { try await DockerFixture.get("/hello", from: running) }
            await fixture.engine.stop(spec.id, grace: .seconds(5))
        }
    }

    @Test func aStopReachesTheFunctionAndItsLastWords() async throws {
        try await DockerFixture.with { fixture in
            let running = try await fixture.start(
                """
                import atexit
                atexit.register(lambda: print("ending", flush=True))
                print("begins", flush=True)
                def handler(request): return ""
                """)
            #expect(try await DockerFixture.get("/hello", from: running).status == 200)
            // Two at the same time are fine.
            async let other: Void = fixture.engine.stop(running.id, grace: .seconds(10))
            await fixture.engine.stop(running.id, grace: .seconds(10))
            await other
            #expect(try await fixture.texts(.stdout) == ["begins", "ending"])
        }
    }

    @Test func tellsOfAContainerThatIsKilledFromOutside() async throws {
        try await DockerFixture.with { fixture in
            let exits = fixture.engine.exits()
            let running = try await fixture.start(Self.hello)
            let container = try await fixture.container(of: running)
            try await fixture.host.client.call(.post, "/containers/\(container)/kill")
            #expect(await exits.first { _ in true } == InstanceExit(id: running.id, reason: "was killed by SIGKILL"))
            try await eventually("its remains are gone") { try await fixture.containers().isEmpty }
            #expect(try await fixture.engine.list().isEmpty)
        }
    }

    @Test func tellsOfAFunctionThatTakesTooMuchMemory() async throws {
        try await DockerFixture.with { fixture in
            let exits = fixture.engine.exits()
            let running = try await fixture.start(
                """
                def handler(request):
                    kept = []
                    while True: kept.append(b"x" * (1 << 20))
                """, memoryMB: 32)
            _ = try? await DockerFixture.get("/hello", from: running)
            let exit = await exits.first { _ in true }
            #expect(exit?.reason == "was killed: out of memory (the limit is 32 MB)")
        }
    }

    /// By its exit: a start is over once all is handed to it. A thread that goes on as Python ends needs what the image
    /// has for it.
    @Test(arguments: ["False", "True"])
    func saysWhyAFunctionDoesNotStart(whileAThreadGoesOn goesOn: String) async throws {
        try await DockerFixture.with { fixture in
            let exits = fixture.engine.exits()
            let source = """
                import threading, time
                def other():
                    while \(goesOn): time.sleep(0.0001)
                threading.Thread(target=other, daemon=True).start()
                raise RuntimeError('no luck today')
                def handler(request): pass
                """
            let spec = try fixture.spec(try await fixture.build(source))
            do throws(EngineError) {
                let running = try await fixture.engine.start(spec)
                let exit = await exits.first { _ in true }
                #expect(exit == InstanceExit(id: running.id, reason: "exited with status 1"))
            } catch {
                #expect(error == .startFailed("it ended before it was ready: it exited with status 1"))
            }
            try await eventually("its remains are gone") { try await fixture.containers().isEmpty }
            #expect(try await fixture.texts(.stderr).last == "RuntimeError: no luck today")
        }
    }

    /// Whoever may look at containers, or has a copy of the engine's disk, learns nothing of it.
    @Test func theEngineNeverHasTheVariables() async throws {
        try await DockerFixture.with { fixture in
            let secret = "hush-\(UUID().uuidString)"
            let spec = try fixture.spec(try await fixture.build(Self.hello), environment: ["GREETING": secret])
            let running = try await fixture.engine.start(spec)
            #expect(try await DockerFixture.get("/hello", from: running).text == secret)
            let container = try await fixture.container(of: running)
            let shown = try await fixture.host.client.call(.get, "/containers/\(container)/json")
            #expect(!String(decoding: shown, as: UTF8.self).contains(secret))
            let info = try #require(
                JSONSerialization.jsonObject(with: Data(try await fixture.host.client.call(.get, "/info")))
                    as? [String: Any])
            let root = try #require(info["DockerRootDir"] as? String)
            let files = try await Services.run(
                "grep", ["-rlF", "--exclude-dir=overlay2", "--exclude-dir=image", container, root + "/containers"])
            try #require(!files.isEmpty, "the engine's folder is not where it says")
            // grep ends with 1 where it finds nothing.
            await #expect(throws: (any Error).self) {
                try await Services.run("grep", ["-rlF", "--exclude-dir=overlay2", "--exclude-dir=image", secret, root])
            }
        }
    }

    @Test func aStartThatNobodyWaitsForIsUndone() async throws {
        try await DockerFixture.with { fixture in
            let bundle = try await fixture.build(Self.hello)
            let engine = fixture.engine
            let cancelled = try fixture.spec(bundle, ordinal: 1)
            let starting = Task { try await engine.start(cancelled) }
            try await eventually("it is made") { try await !fixture.containers().isEmpty }
            starting.cancel()
            await #expect(throws: EngineError.cancelled) { try await starting.value }
            #expect(try await fixture.containers().isEmpty)

            let stopped = try fixture.spec(bundle, ordinal: 2)
            let second = Task { try await engine.start(stopped) }
            try await eventually("it is made") { try await !fixture.containers().isEmpty }
            await engine.stop(stopped.id, grace: .zero)
            await #expect(throws: EngineError.cancelled) { try await second.value }
            #expect(try await fixture.containers().isEmpty)
        }
    }

    @Test func aMissingImageIsNamedWithTheNextStep() async throws {
        let images = [
            "INVOK_NODE_IMAGE": "invok/absent:1", "INVOK_PYTHON_IMAGE": "invok/absent:2",
            "INVOK_PYTHON_BUILDER_IMAGE": try DockerFixture.image(of: .python),
        ]
        try await DockerFixture.with(images: images) { fixture in
            #expect(
                try await fixture.engine.prepare().filter { $0.contains("absent") } == [
                    "the image 'invok/absent:2' is not on this server: run 'docker pull invok/absent:2', "
                        + "or set INVOK_PYTHON_IMAGE",
                    "the image 'invok/absent:1' is not on this server: run 'docker pull invok/absent:1', "
                        + "or set INVOK_NODE_IMAGE",
                ])
            let spec = try fixture.spec(try await fixture.build(Self.hello))
            await #expect(
                throws: EngineError.startFailed(
                    "the image 'invok/absent:2' is not on this server; its operator can get it with "
                        + "'docker pull invok/absent:2'")
            ) { try await fixture.engine.start(spec) }
            await #expect(
                throws: BuildError.unavailable(
                    reason: "the image 'invok/absent:1', which builds nodejs functions, is not on this server",
                    nextStep: "its operator can get it with 'docker pull invok/absent:1'")
            ) { try await fixture.build("export default async () => new Response('');", .nodejs) }
        }
    }

    /// The 8 that were asked for at once all come, though only some start at a time, and though who looks meanwhile gets
    /// lists in which one that has just started is not there yet.
    @Test func startsSeveralAtOnceWhileOthersLook() async throws {
        try await DockerFixture.with { fixture in
            let bundle = try await fixture.build(Self.hello)
            let looking = Task {
                while !Task.isCancelled { _ = try? await fixture.engine.list() }
            }
            defer { looking.cancel() }
            let specs = try (1...8 as ClosedRange<UInt32>).map { try fixture.spec(bundle, ordinal: $0) }
            let started = try await withThrowingTaskGroup(of: RunningInstance.self) { group in
                for spec in specs { group.addTask { try await fixture.engine.start(spec) } }
                return try await group.reduce(into: Set<RunningInstance>()) { $0.insert($1) }
            }
            #expect(Set(try await fixture.engine.list()) == started && started.count == 8)
        }
    }
}
