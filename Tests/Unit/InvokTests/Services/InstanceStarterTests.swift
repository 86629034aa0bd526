import InvokSim
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct InstanceStarterTests {
    private func version(_ rig: Rig, _ directive: String, isBuilt: Bool = true, startSeconds: Int? = nil) async throws
        -> Version
    {
        var limits = LimitsConfig()
        limits.startSeconds = startSeconds
        let key = FunctionKey(namespace: Namespace(high: 1, low: 1), name: try FunctionName("hello"))
        let archive = Rig.archive([directive])
        let source = try SourceArchive(entries: rig.sim.archives.entries(of: archive, limits: ArchiveLimits()))
        let built = try await rig.sim.builder.build(
            source, artifact: Digest(of: archive).asBuilt(in: key.namespace), of: key.namespace)
        return Version(
            key: VersionKey(function: key, number: 1), artifact: Digest(of: archive),
            settings: VersionSettings(runtime: .python, environment: .empty, limits: try Limits(limits)),
            state: isBuilt ? .ready(bundle: built.bundle) : .building, createdBy: key.namespace,
            createdAt: rig.sim.clock.wallTime())
    }

    private func starter(_ rig: Rig) -> InstanceStarter {
        InstanceStarter(
            world: rig.world, settings: rig.settings, bundles: Bundles(rig), logger: Rig.logger)
    }

    @Test func anInstanceThatAnswersIsGivenAndNoted() async throws {
        let rig = Rig()
        let version = try await version(rig, "hello")
        let id = InstanceID(version: version.key, ordinal: 1)
        guard case .success(let instance) = await starter(rig).start(id, of: version) else {
            Issue.record("it did not start")
            return
        }
        #expect(rig.sim.engine.running == [instance])
        let lines = try await rig.sim.logs.lines(of: version.key.function, since: nil, limit: 10)
        #expect(lines.map(\.line.source) == [.platform])
        #expect(lines.first?.line.instance == id)
    }

    /// Its bundle was built on another core's machine; the archive is shared.
    @Test func aBundleOfAnotherCoreIsBuiltHere() async throws {
        let rig = Rig()
        let version = try await version(rig, "hello")
        let bundle = try #require(version.bundle)
        try await rig.sim.builder.remove(bundle)
        let starter = starter(rig)
        let first = InstanceID(version: version.key, ordinal: 1)
        guard case .failure(let failure) = await starter.start(first, of: version) else {
            Issue.record("it started from nothing")
            return
        }
        #expect(failure.reason.contains("the archive of this version is gone"))
        _ = try await rig.sim.artifacts.put(Rig.archive(["hello"]))
        for ordinal in UInt32(2)...3 {
            let result = await starter.start(InstanceID(version: version.key, ordinal: ordinal), of: version)
            guard case .success = result else {
                Issue.record("\(result)")
                return
            }
        }
        #expect(rig.sim.builder.buildCount == 2)
        #expect(rig.sim.engine.spec(of: InstanceID(version: version.key, ordinal: 3))?.bundle == bundle)
    }

    @Test(arguments: [("crash", true), ("hello", false)])
    func whatDoesNotStartLeavesNothing(directive: String, isBuilt: Bool) async throws {
        let rig = Rig()
        let version = try await version(rig, directive, isBuilt: isBuilt)
        let id = InstanceID(version: version.key, ordinal: 1)
        guard case .failure(let failure) = await starter(rig).start(id, of: version) else {
            Issue.record("it started")
            return
        }
        #expect(!failure.reason.isEmpty)
        #expect(rig.sim.engine.running.isEmpty)
    }

    @Test func whatNeverAnswersIsEndedAtTheDeadline() async throws {
        let rig = Rig()
        let version = try await version(rig, "never-ready", startSeconds: 3)
        let start = Task { await starter(rig).start(InstanceID(version: version.key, ordinal: 1), of: version) }
        await rig.sim.clock.waitForSleepers()
        rig.sim.clock.advance(by: .seconds(3))
        guard case .failure(let failure) = await start.value else {
            Issue.record("it started")
            return
        }
        #expect(
            failure.reason.hasPrefix("it was not ready within 3 s") && failure.reason.contains("limits.startSeconds"))
        #expect(rig.sim.engine.running.isEmpty)
    }

    @Test func whoIsCancelledLeavesNothing() async throws {
        let rig = Rig()
        let version = try await version(rig, "never-ready")
        let start = Task { await starter(rig).start(InstanceID(version: version.key, ordinal: 1), of: version) }
        try await rig.eventually { !rig.sim.engine.running.isEmpty }
        start.cancel()
        guard case .failure = await start.value else {
            Issue.record("it started")
            return
        }
        #expect(rig.sim.engine.running.isEmpty)
    }
}

extension InstanceStarter {
    /// Gets an instance ready and starts it.
    func start(_ id: InstanceID, of version: Version) async -> Result<RunningInstance, Failure> {
        switch await prepare(id, of: version) {
        case .success(let spec): await start(spec) {}
        case .failure(let failure): .failure(failure)
        }
    }
}

extension Bundles {
    convenience init(_ rig: Rig) {
        let builds = Admission(places: 1, queueLimit: 1, wait: .seconds(1), clock: rig.world.clock)
        self.init(world: rig.world, settings: rig.settings, builds: builds)
    }
}
