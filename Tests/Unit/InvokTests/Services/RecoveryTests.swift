import HTTPTypes
import InvokSim
import Synchronization
import TestSupport
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct RecoveryTests {
    private func begin(_ rig: Rig, _ owner: Principal) async throws -> Version {
        let settings = VersionSettings(runtime: .python, environment: .empty, limits: .standard)
        return try await rig.sim.store.beginVersion(
            VersionDraft(
                function: rig.key(owner), artifact: Digest(of: "half".utf8), settings: settings,
                createdBy: owner.user.id, createdAt: rig.sim.clock.wallTime()), access: .private)
    }

    @Test func aHalfDoneDeployIsFailedUnlessItGoesOnElsewhere() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        let version = try await begin(rig, owner)
        let lease = DeployLease(cache: rig.sim.cache, key: try rig.key(owner), holder: "elsewhere")
        #expect(await lease.acquire(for: .seconds(600)))
        try await rig.recovery.recover()
        #expect(try await rig.sim.store.version(version.key)?.state == .building)
        await lease.release()
        try await rig.recovery.recover()
        guard case .failed? = try await rig.sim.store.version(version.key)?.state else {
            Issue.record("it was not failed")
            return
        }
    }

    @Test func aNewCoreTakesOverWhatAnswersAndRemovesTheRest() async throws {
        let sim = SimWorld(seed: 1)
        let old = Rig(on: sim)
        let owner = try await old.user()
        let key = try old.key(owner)
        let (kept, orphan) = try await old.running {
            try await old.deploy("hello one", as: owner)
            let orphan = try #require(sim.engine.running.first)
            try await old.deploy("hello two", as: owner)
            try await old.eventually { sim.engine.running.count == 1 }
            return (try #require(sim.engine.running.first), orphan)
        }
        // An instance of the old version that the old core left.
        let first = try #require(try await sim.store.version(orphan.version))
        _ = try await sim.engine.start(
            InstanceSpec(
                id: orphan.id, version: first.key, settings: first.settings, bundle: try #require(first.bundle)))
        let new = Rig(on: sim)
        try await new.recovery.recover()
        #expect(sim.engine.running == [orphan, kept], "nothing is waited for before the port opens")
        #expect(new.dispatcher.owns(kept))
        #expect(new.directory.known(key)?.version.key.number == 2)
        try await new.running {
            let answer = try await new.invoke(key, token: new.token(owner))
            #expect(answer.text == "two")
            try await new.eventually { sim.engine.running == [kept] }
        }
    }

    /// - Parameter maximum: where it equals the minimum, what the pool started would leave no place for what is there.
    @Test(arguments: [1, 4])
    func aNewCoreStopsAndStartsNothingWhereTheMinimumRuns(maximum: Int) async throws {
        let sim = SimWorld(seed: 1)
        let old = Rig(on: sim)
        let owner = try await old.user()
        try await old.running {
            try await old.deploy(
                "hello", limits: #"{"minInstances":1,"maxInstances":\#(maximum)}"#, as: owner)
        }
        let kept = sim.engine.running
        #expect(kept.count == 1)
        let starts = sim.effects.counts["engine.start"]
        let new = Rig(on: sim)
        try await new.recovery.recover()
        try await new.running {
            let answer = try await new.invoke(new.key(owner), token: new.token(owner))
            #expect(answer.isFinished)
        }
        #expect(sim.engine.running == kept)
        #expect(sim.effects.counts["engine.start"] == starts)
        #expect(sim.effects.counts["engine.stop", default: 0] == 0)
    }

    /// Of many that do not answer at all, each is asked at the same time, and none holds up the start.
    @Test func theStartWaitsForNoInstance() async throws {
        let sim = SimWorld(seed: 1)
        let old = Rig(on: sim)
        let owner = try await old.user()
        let version = try await old.running {
            try await old.deploy("hello", limits: #"{"maxInstances":8}"#, as: owner).version
        }
        let transport = HungChecks(sim.transport)
        for ordinal in 1...7 as ClosedRange<UInt32> {
            _ = try await sim.engine.start(
                InstanceSpec(
                    id: InstanceID(version: version.key, ordinal: ordinal), version: version.key,
                    settings: version.settings, bundle: try #require(version.bundle)))
        }
        let new = Rig(on: sim) { world, _ in world.transport = transport }
        let before = sim.clock.now()
        try await new.recovery.recover()
        #expect(sim.clock.now() == before)
        #expect(new.dispatcher.ready.count == 8)
        try await new.running { try await new.eventually { transport.hung == 8 } }
        #expect(sim.engine.running.count == 8, "a core that stops has not heard them out")
    }

    /// What does not answer at once, on a machine that is busy, is asked again.
    @Test func anInstanceThatIsInDoubtIsNotStopped() async throws {
        let sim = SimWorld(seed: 1)
        let old = Rig(on: sim)
        let owner = try await old.user()
        try await old.running { try await old.deploy("hello", as: owner) }
        let kept = sim.engine.running
        let new = Rig(on: sim) { world, _ in world.transport = RefusedChecks(sim.transport, refusals: 3) }
        try await new.recovery.recover()
        try await new.running {
            let order = Order()
            let answer = Task {
                defer { order.append(1) }
                return try await new.invoke(new.key(owner), token: new.token(owner)).isFinished
            }
            try await new.eventually {
                sim.clock.advance(by: .milliseconds(50))
                await Task.yield()
                return !order.numbers.isEmpty
            }
            #expect(try await answer.value)
        }
        #expect(sim.engine.running == kept)
    }

    @Test func aCoreDoesNotBeginWithoutItsStore() async throws {
        let rig = Rig()
        rig.store.isAway = true
        #expect(await code { try await rig.recovery.recover() } == .unavailable)
    }

    @Test func atIntervalsItGoesOnAlsoAfterTheStoreWasAway() async throws {
        let sim = SimWorld(seed: 1)
        let (rig, other) = (Rig(on: sim), Rig(on: sim))
        let owner = try await rig.user()
        let key = try rig.key(owner)
        let run = Task { await rig.recovery.run() }
        rig.store.isAway = true
        await sim.clock.waitForSleepers()
        sim.clock.advance(by: rig.settings.reconcileInterval)
        await sim.clock.waitForSleepers()
        rig.store.isAway = false
        try await other.running { try await other.deploy("hello", as: owner) }
        #expect(rig.directory.known(key) == nil)
        try await rig.eventually {
            sim.clock.advance(by: rig.settings.reconcileInterval)
            await Task.yield()
            return rig.directory.known(key) != nil
        }
        run.cancel()
        await run.value
    }

    /// An instance that ends between `recover` and `run` is told of to nobody.
    @Test func anInstanceWhoseEndNobodyToldIsFoundOut() async throws {
        let sim = SimWorld(seed: 1)
        let rig = Rig(on: sim)
        let owner = try await rig.user()
        try await rig.running { try await rig.deploy("hello", as: owner) }
        let new = Rig(on: sim)
        try await new.recovery.recover()
        let instance = try #require(new.dispatcher.ready.first)
        await sim.engine.stop(instance.id, grace: .zero)
        let run = Task { await new.recovery.run() }
        await sim.clock.waitForSleepers()
        sim.clock.advance(by: new.settings.reconcileInterval)
        try await new.eventually { new.dispatcher.ready.isEmpty }
        run.cancel()
        await run.value
    }
}

/// No instance answers its readiness check.
private final class HungChecks: InstanceTransport {
    private let base: any InstanceTransport
    private let count = Mutex(0)

    init(_ base: any InstanceTransport) { self.base = base }

    /// How many have been asked.
    var hung: Int { count.withLock { $0 } }

    func exchange(
        _ request: InvocationRequest, with endpoint: InstanceEndpoint, sink: any ResponseSink,
        workEnded: @escaping @Sendable () -> Void
    ) async throws(TransportError) {
        guard request.head.path == "/_invok/ready" else {
            return try await base.exchange(request, with: endpoint, sink: sink, workEnded: workEnded)
        }
        count.withLock { $0 += 1 }
        await Gate().pass()
        throw .cancelled
    }
}

/// The first readiness checks reach nobody.
private final class RefusedChecks: InstanceTransport {
    private let base: any InstanceTransport
    private let left: Mutex<Int>

    init(_ base: any InstanceTransport, refusals: Int) {
        self.base = base
        left = Mutex(refusals)
    }

    func exchange(
        _ request: InvocationRequest, with endpoint: InstanceEndpoint, sink: any ResponseSink,
        workEnded: @escaping @Sendable () -> Void
    ) async throws(TransportError) {
        let isRefused =
            request.head.path == "/_invok/ready"
            && left.withLock { left in
                defer { left -= 1 }
                return left > 0
            }
        if isRefused { throw .refused("nothing listens there yet") }
        try await base.exchange(request, with: endpoint, sink: sink, workEnded: workEnded)
    }
}
