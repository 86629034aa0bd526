import Glibc
import Invok
import InvokBuild
import InvokEmbedded
import InvokPOSIX
import InvokRuntimes
import Logging
import Testing

@testable import InvokSandbox

@Suite(.enabled(if: Fixture.toolchains[.go] != nil, "Go was not found: run ci/setup"))
struct GoBuildCacheTests {
    private func host(_ fixture: Fixture, _ name: String, cache: String) throws -> SandboxHost {
        SandboxHost(
            dataDirectory: "\(fixture.directory)/\(name)", cacheDirectory: cache, toolchains: Fixture.toolchains,
            clock: SystemClock())
    }

    /// A package that compiles in a moment stands for all.
    private func keeper(_ host: SandboxHost) -> GoCacheKeeper {
        GoCacheKeeper(place: host, logger: Logger(label: "test")) {
            $0 == .template ? ["unicode/utf8"] : ["unicode/utf16"]
        }
    }

    @Test func severalCoresMakeItOnceAndRemoveWhatADeadOneLeft() async throws {
        let fixture = try Fixture()
        let directory = fixture.directory + "/shared"
        let tool = try #require(Fixture.toolchains[.go])
        let cache = GoBuildCache(directory: directory, tool: tool.forBuilds)
        // What a core that was killed left: it holds no lock any more.
        try Files.makeDirectories(cache.incoming, mode: 0o700)
        try Files.write([1], to: cache.incoming + "/half-d", mode: 0o600)
        let keepers = [
            keeper(try host(fixture, "a", cache: directory)), keeper(try host(fixture, "b", cache: directory)),
        ]
        await withDiscardingTaskGroup { group in
            for keeper in keepers + keepers { group.addTask { await keeper.need(.template) } }
        }
        #expect(cache.has(.template))
        #expect(!cache.has(.usual))
        #expect(!Files.exists(cache.incoming))
        let first = files(below: cache.entries)
        #expect(first.contains { $0.hasSuffix("-d") } && first.contains { $0.hasSuffix("-a") })
        let written = modified(cache.entries, first)
        await keepers[1].need(.usual)
        #expect(cache.has(.usual))
        #expect(files(below: cache.entries).count > first.count)
        // What was there is not written again.
        #expect(modified(cache.entries, first) == written)
    }

    /// The plain files of the cache, whose folders have no folders.
    private func files(below directory: String) -> [String] {
        Files.names(in: directory).flatMap { folder in
            Files.names(in: "\(directory)/\(folder)").map { "\(folder)/\($0)" }
        }
        .filter { Files.isPlainFile("\(directory)/\($0)") }
    }

    private func modified(_ directory: String, _ files: [String]) -> [UInt] {
        files.map { file in
            var status = stat()
            stat("\(directory)/\(file)", &status)
            return UInt(status.st_ino)
        }
    }

    @Test func waitsWhileAnotherCoreMakesItAndCanBeCancelled() async throws {
        let fixture = try Fixture()
        let directory = fixture.directory + "/shared"
        let cache = GoBuildCache(directory: directory, tool: try #require(Fixture.toolchains[.go]).forBuilds)
        let keeper = keeper(try host(fixture, "a", cache: directory))
        let other = try #require(try cache.lock())
        try cache.prepareIncoming()
        let waiting = Task { await keeper.need(.template) }
        waiting.cancel()
        try await within("the wait ends") { await waiting.value }
        #expect(Files.exists(cache.incoming), "it belongs to the core that holds the lock")
        #expect(!cache.has(.template))
        withExtendedLifetime(other) {}
    }

    @Test func refusesADirectoryThatOthersMayWriteTo() async throws {
        let fixture = try Fixture()
        let directory = fixture.directory + "/open"
        try Files.makeDirectory(directory, mode: 0o777)
        let host = try host(fixture, "a", cache: directory)
        await #expect(throws: EngineError.self) { _ = try await host.prepared() }
    }

    /// A build runs whatever code it likes, and tries to change what the next one reads.
    @Test func aHostileBuildPoisonsNobodysCache() async throws {
        let fixture = try Fixture()
        let tool = try #require(Fixture.toolchains[.go])
        let builder = SandboxFunctionBuilder(host: fixture.host, logger: Logger(label: "test"))
        await builder.warmUp()
        let cache = GoBuildCache(directory: Fixture.cacheDirectory, tool: tool.forBuilds)
        let before = files(below: cache.entries)
        let python = try #require(Fixture.toolchains[.python3]).forBuilds
        let attack = """
            import os
            changed, tried = 0, 0
            for folder, _, names in os.walk("/cache"):
                for name in names:
                    path = os.path.join(folder, name)
                    for attempt in (lambda: open(path, "r+b").write(b"poison"), lambda: os.chmod(path, 0o777),
                                    lambda: os.truncate(path, 0), lambda: os.utime(path, (0, 0)),
                                    lambda: os.remove(os.path.realpath(path))):
                        tried += 1
                        try: attempt(); changed += os.path.realpath(path).startswith("/gocache")
                        except OSError: pass
                    # Its own copy it may change as it likes.
                    if os.path.lexists(path): os.remove(path)
                    open(path, "wb").write(b"poison")
            print("changed", changed, "of", tried > 1000)
            """
        let folder = BuildFolder(path: "\(fixture.host.bundlesDirectory)/.tmp-hostile")
        try folder.stage([:])
        var isolation = BuildRun.isolation([:], ["python3", "-c", attack], python)
        cache.offer(to: &isolation)
        folder.offer(to: &isolation, keeping: nil)
        let run = try await BuildRun(isolation: isolation, tool: python, deadlineSeconds: 60).run(in: fixture.host)
        #expect(run.text == "changed 0 of True\n")
        #expect(Set(files(below: cache.entries)).isSuperset(of: before))

        let (source, artifact) = try SandboxFunctionBuilderTests.source(.go)
        let result = try await builder.build(source, artifact: artifact, of: Fixture.namespace)
        let running = try await fixture.engine.start(try fixture.spec(result.bundle))
        let answer = try await within("an answer") { try await get("/hello", from: running.endpoint) }
        #expect(answer == "Hello from hello!\n")
        await fixture.engine.stop(running.id, grace: .zero)
    }
}
