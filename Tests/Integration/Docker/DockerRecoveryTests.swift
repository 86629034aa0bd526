import Foundation
import Invok
import InvokPOSIX
import InvokRuntimes
import TestSupport
import Testing

@testable import InvokDocker

/// What the next core finds, and what becomes of it.
@Suite(.enabled(if: Services.areSelected), .timeLimit(.minutes(5)))
struct DockerRecoveryTests {
    private static let counting = """
        import os, threading, time
        def count():
            for n in range(1, 1000000):
                print(n, flush=True)
                if n % 7 == 0: time.sleep(0.01)
        threading.Thread(target=count, daemon=True).start()
        def handler(request): return str(os.getpid())
        """

    /// A core that is gone leaves no trace of its end: its engine is simply not used any more.
    @Test func theNextCoreTakesInstancesOverAndGoesOnWithTheirLogs() async throws {
        try await DockerFixture.with { first in
            let running = try await first.start(Self.counting)
            let container = try await first.container(of: running)
            try await eventually("lines come") { try await first.texts(.stdout).count > 100 }
            // As kill -9 does: what it was reading is read no more.
            first.engine.known(running.id)?.log?.cancel()
            try await Task.sleep(for: .milliseconds(200))
            let second = try first.successor()
            #expect(try await second.engine.list() == [running])
            #expect(try await second.container(of: running) == container)
            #expect(try await DockerFixture.get("/hello", from: running).status == 200)
            let known = try await first.texts(.stdout).count
            try await eventually("more lines come") { try await second.texts(.stdout).count > known + 100 }
            await second.engine.stop(running.id, grace: .seconds(5))
            let numbers = try await second.texts(.stdout).compactMap { Int($0) }
            #expect(numbers == Array(1...numbers.count), "a line was lost or repeated")
            await second.host.close()
        }
    }

    @Test func tellsOfTheEndOfWhatAnotherCoreStarted() async throws {
        try await DockerFixture.with { first in
            let running = try await first.start(Self.counting)
            let second = try first.successor()
            _ = try await second.engine.list()
            let exits = second.engine.exits()
            let container = try await second.container(of: running)
            try await second.host.client.call(.post, "/containers/\(container)/kill")
            #expect(await exits.first { _ in true }?.id == running.id)
            await second.host.close()
        }
    }

    /// Created and not started, ended, and of a build: whatever a core that died may leave.
    /// - Parameter byEvents: whether the look is the one when the connection to the engine's events is there, or back.
    @Test(arguments: [false, true])
    func oneLookRemovesWhatAnEarlierCoreLeftHalfDone(byEvents: Bool) async throws {
        try await DockerFixture.with { fixture in
            let bundle = try await fixture.build(Self.counting)
            let plan = try await fixture.host.prepared().plan
            let client = fixture.host.client
            for ordinal in 11...12 as ClosedRange<UInt32> {
                let spec = try fixture.spec(bundle, ordinal: ordinal)
                let folder = InstanceFolder(of: spec.id, in: fixture.host.runDirectory)
                try folder.make()
                let request = plan.instance(
                    spec, bundle: fixture.host.bundlePath(bundle), folder: folder.inner)
                let created: CreatedMessage = try await client.decode(
                    client.call(.post, "/containers/create", ["name": spec.id.description], body: request))
                guard ordinal == 12 else { continue }
                // Nobody tells it what to run, so it ends.
                try await client.call(.post, "/containers/\(created.id)/start")
                _ = try await client.call(.post, "/containers/\(created.id)/wait")
            }
            let sleeping = Isolation(
                mounts: [], workingDirectory: "/", environment: [:],
                command: ["python3", "-c", "import time; time.sleep(600)"], temporaryBytes: 1 << 20,
                limits: ResourceLimits(
                    memoryBytes: 64 << 20, cpus: 1, processes: 16, openFiles: 64, fileBytes: 1 << 20))
            let build = plan.build(
                sleeping, image: plan.images.builder(of: .python), name: "another")
            let created: CreatedMessage = try await client.decode(
                client.call(.post, "/containers/create", body: build))
            try await client.call(.post, "/containers/\(created.id)/start")
            #expect(try await fixture.containers().count == 3)
            func folders() throws -> [String] {
                try FileManager.default.contentsOfDirectory(atPath: fixture.directory + "/run")
            }
            if byEvents {
                let exits = fixture.engine.exits()
                try await eventually("nothing is left") {
                    try await fixture.containers().isEmpty && folders().isEmpty
                }
                withExtendedLifetime(exits) {}
            } else {
                #expect(try await fixture.engine.list().isEmpty)
                #expect(try await fixture.containers().isEmpty)
                #expect(try folders().isEmpty)
            }
        }
    }

    /// Its core died while it waited to hear what to run: it is listed, nobody accepts, and it goes when it is stopped.
    @Test func whatWasNeverHandedOverCanBeStoppedByTheNext() async throws {
        try await DockerFixture.with { fixture in
            let spec = try fixture.spec(try await fixture.build(Self.counting))
            let folder = InstanceFolder(of: spec.id, in: fixture.host.runDirectory)
            try folder.make()
            // It connects, and is not taken from the line.
            let control = try ListeningSocket.listen(InstanceFolder.controlName, in: folder.inner, mode: 0o666)
            let request = try await fixture.host.prepared().plan.instance(
                spec, bundle: fixture.host.bundlePath(spec.bundle), folder: folder.inner)
            let client = fixture.host.client
            let created: CreatedMessage = try await client.decode(
                client.call(.post, "/containers/create", ["name": spec.id.description], body: request))
            try await client.call(.post, "/containers/\(created.id)/start")
            let listed = try await fixture.engine.list()
            #expect(listed.map(\.id) == [spec.id])
            await #expect(throws: (any Error).self) {
                try await DockerFixture.get("/", from: try #require(listed.first))
            }
            await fixture.engine.stop(spec.id, grace: .zero)
            #expect(try await fixture.containers().isEmpty)
            withExtendedLifetime(control) {}
        }
    }

    /// Two cores of one installation run the same function on one engine, each with a data directory of its own.
    @Test func twoCoresMayStartTheSameInstance() async throws {
        try await DockerFixture.with { one in
            let other = try DockerFixture(function: one.function)
            let source = "def handler(request): return 'hello'"
            let first = try await one.engine.start(try one.spec(try await one.build(source)))
            let second = try await other.engine.start(try other.spec(try await other.build(source)))
            #expect(first.id == second.id && first.endpoint != second.endpoint)
            // Neither sees the other's, and what it removes is its own.
            #expect(try await other.engine.list() == [second])
            await other.engine.stop(second.id, grace: .zero)
            let (left, ended) = (try await one.engine.list(), try await other.containers())
            #expect(left == [first] && ended.isEmpty)
            #expect(try await DockerFixture.get("/hello", from: first).text == "hello")
            await other.clear()
        }
    }

    @Test func installationsOnOneEngineDoNotSeeEachOther() async throws {
        try await DockerFixture.with { one in
            try await DockerFixture.with { other in
                let running = try await one.start("def handler(request): return ''")
                #expect(try await other.engine.list().isEmpty)
                await other.engine.stop(running.id, grace: .zero)
                #expect(try await one.engine.list() == [running])
            }
        }
    }
}
