import Glibc
import Invok
import InvokEmbedded
import InvokPOSIX
import InvokRuntimes
import InvokTemplates
import Logging
import Testing

@testable import InvokSandbox

@Suite(.enabled(if: Fixture.toolchains[.go] != nil, "Go was not found: run ci/setup"))
struct SandboxFunctionBuilderTests {
    static func source(
        _ runtime: Runtime = .go, changing changes: [String: String] = [:]
    ) throws -> (SourceArchive, Digest) {
        var files = FunctionTemplate(name: try FunctionName("hello"), runtime: runtime).sources
        files["config.json"] = #"{"function_name":"hello","runtime":"\#(runtime.rawValue)"}"#
        files.merge(changes) { _, new in new }
        let sorted = files.sorted { $0.key < $1.key }
        return (
            try SourceArchive(
                entries: sorted.map { ArchiveEntry(path: $0.key, kind: .file, content: Array($0.value.utf8)) }),
            Digest(of: sorted.map { $0.key + $0.value }.joined().utf8)
        )
    }

    private func makeBuilder(_ fixture: Fixture, deadlineSeconds: Int = 120) -> SandboxFunctionBuilder {
        SandboxFunctionBuilder(
            host: fixture.host, deadlineSeconds: deadlineSeconds, logger: Logger(label: "test"))
    }

    private func leftovers(_ fixture: Fixture) -> [String] {
        Files.names(in: fixture.host.bundlesDirectory).filter { $0.hasPrefix(".tmp-") }
    }

    @Test func buildsGoOnceForTwoAndTheBundleAnswers() async throws {
        let fixture = try Fixture()
        let builder = makeBuilder(fixture)
        await builder.warmUp()
        let (source, artifact) = try Self.source()
        let began = ContinuousClock.now
        async let first = builder.build(source, artifact: artifact, of: Fixture.namespace)
        let second = try await builder.build(source, artifact: artifact, of: Fixture.namespace)
        print("a Go function built in \(ContinuousClock.now - began)")
        #expect(try await first == second)
        #expect(try await builder.bundles().contains(second.bundle))
        #expect(Files.names(in: fixture.host.bundlePath(second.bundle)) == [".invok", "config.json"])
        #expect(leftovers(fixture).isEmpty)

        let spec = try fixture.spec(second.bundle)
        var times: [Duration] = []
        for ordinal in 1...10 as ClosedRange<UInt32> {
            let spec = try fixture.spec(second.bundle, ordinal: ordinal)
            let began = ContinuousClock.now
            let running = try await fixture.engine.start(spec)
            let answer = try await within("an answer") { try await get("/hello", from: running.endpoint) }
            times.append(ContinuousClock.now - began)
            #expect(answer.contains("Hello from hello!"))
            await fixture.engine.stop(spec.id, grace: .seconds(10))
        }
        times.sort()
        print("from start to the first answer of a Go function: median \(times[5]), best \(times[0])")
        try await builder.remove(spec.bundle)
        #expect(try await !builder.bundles().contains(spec.bundle))
    }

    @Test func aMistakeIsShownWithItsPlace() async throws {
        let fixture = try Fixture()
        let builder = makeBuilder(fixture)
        let (source, artifact) = try Self.source(changing: ["function.go": "package main\n\nfunc nope( {\n"])
        let error = await #expect(throws: BuildError.self) {
            try await builder.build(source, artifact: artifact, of: Fixture.namespace)
        }
        guard case .failed(_, let log)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(log.hasPrefix("function.go:3:"), "\(log)")
        #expect(leftovers(fixture).isEmpty)
    }

    @Test func theDeadlineEndsABuild() async throws {
        let fixture = try Fixture()
        let builder = makeBuilder(fixture, deadlineSeconds: 0)
        let (source, artifact) = try Self.source(changing: ["more.go": "package main\n"])
        let error = await #expect(throws: BuildError.self) {
            try await builder.build(source, artifact: artifact, of: Fixture.namespace)
        }
        if case .deadlineExceeded(seconds: 0, _)? = error {} else { Issue.record("\(String(describing: error))") }
        #expect(leftovers(fixture).isEmpty)
    }

    @Test func cancellingEndsABuild() async throws {
        let fixture = try Fixture()
        let builder = makeBuilder(fixture)
        let (source, artifact) = try Self.source(changing: ["other.go": "package main\n"])
        let building = Task { try await builder.build(source, artifact: artifact, of: Fixture.namespace) }
        building.cancel()
        await #expect(throws: BuildError.cancelled) { try await building.value }
    }

    @Test func aMissingToolchainSaysWhatToDo() async throws {
        let fixture = try Fixture()
        let host = SandboxHost(
            dataDirectory: fixture.directory, cacheDirectory: Fixture.cacheDirectory,
            toolchains: Toolchains(found: [:], missing: [.go: "go was not found: run ci/setup"]),
            clock: fixture.host.clock)
        let builder = SandboxFunctionBuilder(host: host, logger: Logger(label: "test"))
        let (source, artifact) = try Self.source()
        await #expect(
            throws: BuildError.unavailable(
                reason: "this server has no usable go", nextStep: "go was not found: run ci/setup")
        ) { try await builder.build(source, artifact: artifact, of: Fixture.namespace) }
    }

    @Test(arguments: [Runtime.python, .nodejs])
    func buildsAndRunsTheInterpretedOnes(runtime: Runtime) async throws {
        let fixture = try Fixture()
        let builder = makeBuilder(fixture)
        let (source, artifact) = try Self.source(runtime)
        let result = try await builder.build(source, artifact: artifact, of: Fixture.namespace)
        let base = try fixture.spec(result.bundle, ordinal: runtime == .python ? 100 : 101)
        let spec = InstanceSpec(
            id: base.id, version: base.version,
            settings: VersionSettings(runtime: runtime, environment: .empty, limits: base.settings.limits),
            bundle: result.bundle)
        let began = ContinuousClock.now
        let running = try await fixture.engine.start(spec)
        let answer = try await within("an answer") { try await get("/hello", from: running.endpoint) }
        print("from start to the first answer of a \(runtime) function: \(ContinuousClock.now - began)")
        #expect(!answer.isEmpty)
        await fixture.engine.stop(spec.id, grace: .seconds(10))
    }

    /// On a disk of its own, which only root can make.
    @Test(.enabled(if: geteuid() == 0, "needs root to mount a small disk"), arguments: [2, 6])
    func aFullDiskIsSaidToBeFull(megabytes: Int) async throws {
        let fixture = try Fixture()
        let disk = fixture.directory + "/disk"
        try Files.makeDirectory(disk, mode: 0o700)
        try #require(mount("tmpfs", disk, "tmpfs", 0, "size=\(megabytes)m") == 0)
        defer { umount2(disk, Int32(MNT_DETACH)) }
        let host = SandboxHost(
            dataDirectory: disk, cacheDirectory: Fixture.cacheDirectory, toolchains: Fixture.toolchains,
            clock: SystemClock())
        let builder = SandboxFunctionBuilder(host: host, logger: Logger(label: "test"))
        // Too much to be staged on the smaller disk; the larger one has no room for the binary beside it.
        let ballast = String(repeating: "x", count: 3 << 20)
        let (source, artifact) = try Self.source(changing: ["ballast.txt": ballast])
        await #expect(throws: BuildError.full) {
            _ = try await builder.build(source, artifact: artifact, of: Fixture.namespace)
        }
        #expect(Files.names(in: host.bundlesDirectory).isEmpty)
    }

    @Test func removesWhatACrashedCoreLeft() async throws {
        let fixture = try Fixture()
        let (run, bundles) = (fixture.host.runDirectory, fixture.host.bundlesDirectory)
        for folder in [run + "/7/deep", bundles + "/.tmp-3/work", bundles + "/\(Digest(of: [1]))"] {
            try Files.makeDirectories(folder, mode: 0o700)
        }
        try Files.write([1], to: bundles + "/.tmp-3/work/file", mode: 0o400)
        let groups = fixture.groups()
        let leftover = try groups.makeGroup(
            "7",
            limits: ResourceLimits(memoryBytes: 64 << 20, cpus: 1, processes: 16, openFiles: 64, fileBytes: 1 << 20))
        let asleep = try spawn(
            "/usr/bin/sleep", ["600"], descriptors: [try Descriptor.open("/dev/null", O_RDWR)])
        defer { waitpid(asleep, nil, 0) }
        if !groups.hierarchies.isEmpty { try leftover.attach(asleep) } else { kill(asleep, SIGKILL) }
        _ = try await fixture.host.prepared()
        #expect(Files.names(in: run) == ["etc", "etc-network"])
        #expect(Files.names(in: bundles) == ["\(Digest(of: [1]))"])
        for hierarchy in groups.hierarchies { #expect(!Files.exists(hierarchy.directory + "/7")) }
        // The kernel says that it has been killed; it sleeps longer than any test.
        let handle = try Descriptor.process(asleep)
        #expect(handle.waitReadable(milliseconds: 10_000))
    }
}
