import InvokSim
import Synchronization
import TestSupport
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct DispatcherTests {
    /// A version of a function with these directives, built but not stored.
    private func version(
        _ rig: Rig, _ directive: String = "hello", number: Int = 1, limits: LimitsConfig = .making()
    ) async throws -> Version {
        let key = FunctionKey(namespace: Namespace(high: 1, low: 1), name: try FunctionName("hello"))
        let archive = Rig.archive([directive])
        let source = try SourceArchive(entries: rig.sim.archives.entries(of: archive, limits: ArchiveLimits()))
        let built = try await rig.sim.builder.build(
            source, artifact: Digest(of: archive), of: key.namespace)
        return Version(
            key: VersionKey(function: key, number: number), artifact: Digest(of: archive),
            settings: VersionSettings(runtime: .python, environment: .empty, limits: try Limits(limits)),
            state: .ready(bundle: built.bundle), createdBy: key.namespace, createdAt: rig.sim.clock.wallTime())
    }

    private func failure(_ operation: () async throws(Dispatcher.Failure) -> some Any) async -> Dispatcher.Failure? {
        do throws(Dispatcher.Failure) {
            _ = try await operation()
            return nil
        } catch {
            return error
        }
    }

    @Test func aRequestGetsAnInstanceAndGivesItBack() async throws {
        let rig = Rig()
        let version = try await version(rig)
        try await rig.running {
            rig.dispatcher.open(version)
            let place = try await rig.dispatcher.acquire(version.key)
            #expect(rig.dispatcher.load(of: version.key.function) == FunctionLoad(instances: 1, requests: 1))
            #expect(rig.dispatcher.ready == [place.instance])
            #expect(rig.dispatcher.owns(place.instance))
            rig.dispatcher.release(place, .answered)
            #expect(rig.dispatcher.load(of: version.key.function).requests == 0)
        }
    }

    @Test func aVersionThatIsNotOpenIsRetired() async throws {
        let rig = Rig()
        let version = try await version(rig)
        #expect(
            await failure { () throws(Dispatcher.Failure) in try await rig.dispatcher.acquire(version.key) }
                == .rejected(.retired))
    }

    @Test func whoIsCancelledBeforeWaitingLeavesNothing() async throws {
        let rig = Rig()
        let version = try await version(rig)
        rig.dispatcher.open(version)
        for _ in 0..<100 {
            let task = Task {
                await failure { () throws(Dispatcher.Failure) in try await rig.dispatcher.acquire(version.key) }
            }
            task.cancel()
            #expect(await task.value == .cancelled)
        }
        #expect(rig.dispatcher.load(of: version.key.function).requests == 0)
    }

    @Test func whoIsCancelledWhileWaitingLeavesNothing() async throws {
        let rig = Rig()
        let version = try await version(rig)
        rig.dispatcher.open(version)
        // Nothing starts, since the dispatcher does not run.
        let task = Task {
            await failure { () throws(Dispatcher.Failure) in try await rig.dispatcher.acquire(version.key) }
        }
        try await rig.eventually { rig.dispatcher.load(of: version.key.function).requests == 1 }
        task.cancel()
        #expect(await task.value == .cancelled)
        #expect(rig.dispatcher.load(of: version.key.function).requests == 0)
    }

    @Test func whoIsCancelledAtAnyMomentLeavesNothing() async throws {
        let rig = Rig()
        let version = try await version(rig, limits: .making(concurrency: 2, maxInstances: 2))
        try await rig.running {
            rig.dispatcher.open(version)
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let task = Task {
                            guard let place = try? await rig.dispatcher.acquire(version.key) else { return }
                            await Task.yield()
                            rig.dispatcher.release(place, .answered)
                        }
                        for _ in 0..<(number % 7) { await Task.yield() }
                        if number % 2 == 0 { task.cancel() }
                        await task.value
                    }
                }
            }
            #expect(rig.dispatcher.load(of: version.key.function).requests == 0)
            rig.dispatcher.retire(version.key)
            try await rig.eventually { !rig.dispatcher.isOpen(version.key) }
            #expect(rig.dispatcher.load(of: version.key.function) == FunctionLoad())
            #expect(rig.sim.engine.running.isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(1))) func whenItStopsWhoWaitsIsTurnedAway() async throws {
        let rig = Rig()
        let version = try await version(rig, "never-ready")
        let run = Task { await rig.dispatcher.run() }
        rig.dispatcher.open(version)
        let waiter = Task {
            await failure { () throws(Dispatcher.Failure) in try await rig.dispatcher.acquire(version.key) }
        }
        try await rig.eventually { !rig.sim.engine.running.isEmpty }
        run.cancel()
        await run.value
        #expect(await waiter.value == .cancelled)
        rig.dispatcher.open(version)
        #expect(
            await failure { () throws(Dispatcher.Failure) in try await rig.dispatcher.acquire(version.key) }
                == .cancelled)
        #expect(rig.dispatcher.load(of: version.key.function) == FunctionLoad())
        #expect(rig.sim.engine.running.isEmpty, "an instance that was starting is left")
    }

    /// Nothing else may decide the order, or a simulation is no function of its seed.
    @Test func whoWaitsIsTurnedAwayInOrder() async throws {
        var orders: Set<[Int]> = []
        for _ in 0..<5 {
            let rig = Rig()
            let version = try await version(rig)
            rig.dispatcher.open(version)
            let order = Order()
            let report = await SimScheduler.run(seed: 1, onIdle: { rig.sim.clock.advanceToNextTimer() }) {
                await withTaskGroup(of: Void.self) { group in
                    for number in 0..<20 {
                        group.addTask {
                            _ = try? await rig.dispatcher.acquire(version.key)
                            order.append(number)
                        }
                    }
                    while rig.dispatcher.load(of: version.key.function).requests < 20 { await Task.yield() }
                    let run = Task { await rig.dispatcher.run() }
                    run.cancel()
                    await run.value
                }
            }
            #expect(report.end == .finished)
            orders.insert(order.numbers)
        }
        #expect(orders.count == 1)
        #expect(orders.first?.count == 20)
    }

    @Test func whatIsReadyIsToldByVersion() async throws {
        let rig = Rig()
        try await rig.running {
            for number in 1...20 {
                rig.dispatcher.open(try await version(rig, number: number, limits: .making(minInstances: 1)))
            }
            try await rig.eventually { rig.dispatcher.ready.count == 20 }
            #expect(rig.dispatcher.ready.map(\.version.number) == Array(1...20))
        }
    }

    @Test func aRetiredVersionFinishesWhatItHasAndGoes() async throws {
        let rig = Rig()
        let old = try await version(rig, number: 1)
        let new = try await version(rig, number: 2)
        try await rig.running {
            rig.dispatcher.open(old)
            let place = try await rig.dispatcher.acquire(old.key)
            rig.dispatcher.open(new)
            rig.dispatcher.retire(old.key.function, except: 2)
            #expect(
                await failure { () throws(Dispatcher.Failure) in try await rig.dispatcher.acquire(old.key) }
                    == .rejected(.retired))
            #expect(rig.sim.engine.running == [place.instance])
            rig.dispatcher.release(place, .answered)
            try await rig.eventually { rig.sim.engine.running.isEmpty }
            try await rig.eventually { !rig.dispatcher.isOpen(old.key) }
            #expect(rig.dispatcher.isOpen(new.key))
        }
    }

    /// A late word of an old instance must not be taken for one of the new ones.
    @Test func aVersionThatComesBackHasNewInstances() async throws {
        let rig = Rig()
        let version = try await version(rig)
        try await rig.running {
            var seen: Set<InstanceID> = []
            for round in 1...3 {
                rig.dispatcher.open(version)
                let place = try await rig.dispatcher.acquire(version.key)
                seen.insert(place.instance.id)
                rig.dispatcher.release(place, .answered)
                rig.dispatcher.retire(version.key)
                try await rig.eventually { !rig.dispatcher.isOpen(version.key) }
                #expect(seen.count == round)
            }
        }
    }

    @Test func aStartThatFailsIsSaidAtOnceToWhoeverWantsToKnow() async throws {
        let rig = Rig()
        let version = try await version(rig, "crash")
        try await rig.running {
            rig.dispatcher.open(version)
            let failure = await failure { () throws(Dispatcher.Failure) in
                try await rig.dispatcher.acquire(version.key, failsFast: true)
            }
            guard case .rejected(.failing)? = failure else {
                Issue.record("\(String(describing: failure))")
                return
            }
            try await rig.eventually { rig.sim.engine.running.isEmpty }
        }
    }

    @Test func anInstanceThatDiesIsReplaced() async throws {
        let rig = Rig()
        let version = try await version(rig, limits: .making(minInstances: 1))
        try await rig.running {
            rig.dispatcher.open(version)
            let place = try await rig.dispatcher.acquire(version.key)
            let first = place.instance
            rig.dispatcher.release(place, .answered)
            // The subscription to exits is a task of its own; it is there once time is waited for.
            try await rig.eventually { rig.sim.clock.sleeperCount > 0 }
            try await rig.eventually {
                await rig.sim.engine.crash(first.id)
                rig.dispatcher.lose(first)
                return !rig.dispatcher.owns(first)
            }
            rig.sim.clock.advance(by: .seconds(1))
            try await rig.eventually { rig.dispatcher.ready.count == 1 }
            #expect(rig.dispatcher.ready != [first])
        }
    }

    @Test func anEndIsHeardWhileTheOneBeforeIsStillWrittenDown() async throws {
        let sim = SimWorld(seed: 1)
        let logs = HeldLogs(sim.logs)
        let engine = CountingEngine(sim.engine)
        engine.gate.open()
        let rig = Rig(on: sim) { world, _ in
            world.logs = logs
            world.engine = engine
        }
        let version = try await version(rig, limits: .making(concurrency: 1, maxInstances: 2))
        try await rig.running {
            rig.dispatcher.open(version)
            let instances = [
                try await rig.dispatcher.acquire(version.key).instance,
                try await rig.dispatcher.acquire(version.key).instance,
            ]
            try await rig.eventually { engine.isHeard }
            logs.isHeld.withLock { $0 = true }
            defer { logs.gate.open() }
            for instance in instances { await sim.engine.crash(instance.id) }
            try await rig.eventually { instances.allSatisfy { !rig.dispatcher.owns($0) } }
        }
    }

    @Test func anInstanceOfAnEarlierCoreIsAdoptedWhereItBelongs() async throws {
        let rig = Rig()
        let version = try await version(rig, limits: .making(maxInstances: 1))
        let bundle = try #require(version.bundle)
        func start(_ ordinal: UInt32) async throws -> RunningInstance {
            try await rig.sim.engine.start(
                InstanceSpec(
                    id: InstanceID(version: version.key, ordinal: ordinal), version: version.key,
                    settings: version.settings, bundle: bundle))
        }
        let (one, other) = (try await start(1), try await start(2))
        rig.dispatcher.adopt([one])
        #expect(!rig.dispatcher.owns(one), "nobody is about to open it")
        rig.dispatcher.adopt([one, other, one], of: [version])
        #expect(rig.dispatcher.owned == [one.id, other.id])
        rig.dispatcher.open(version)
        try await rig.running {
            let place = try await rig.dispatcher.acquire(version.key)
            #expect([one, other].contains(place.instance))
            #expect(rig.sim.engine.running == [one, other])
        }
    }

    @Test func strangersAreStoppedOnceItRuns() async throws {
        let rig = Rig()
        let version = try await version(rig)
        let stranger = try await rig.sim.engine.start(
            InstanceSpec(
                id: InstanceID(version: version.key, ordinal: 1), version: version.key, settings: version.settings,
                bundle: try #require(version.bundle)))
        rig.dispatcher.remove([stranger])
        rig.dispatcher.remove([stranger])
        #expect(rig.dispatcher.owned == [stranger.id], "it is on its way out")
        #expect(rig.sim.engine.running == [stranger])
        try await rig.running { try await rig.eventually { rig.dispatcher.owned.isEmpty } }
        #expect(rig.sim.engine.running.isEmpty)
        #expect(rig.sim.effects.counts["engine.stop"] == 1)
    }

    @Test func onlySoManyStartAtATime() async throws {
        let sim = SimWorld(seed: 1)
        let engine = CountingEngine(sim.engine)
        let rig = Rig(on: sim) { world, settings in
            world.engine = engine
            // The last place is for those that requests wait for.
            settings.concurrentStarts = 3
        }
        let version = try await version(rig, limits: .making(minInstances: 8, maxInstances: 8))
        try await rig.running {
            rig.dispatcher.open(version)
            await engine.gate.reached()
            await engine.gate.reached()
            for _ in 0..<1000 { await Task.yield() }
            #expect(engine.started == 2)
            engine.gate.open()
            try await rig.eventually { rig.dispatcher.ready.count == 8 }
            #expect(engine.mostAtOnce == 2)
        }
    }
}

/// Takes lines when the gate opens.
private final class HeldLogs: LogStore {
    let gate = Gate()
    let isHeld = Mutex(false)
    private let base: any LogStore

    init(_ base: any LogStore) { self.base = base }

    func append(_ lines: [LogLine], to function: FunctionKey) async throws(LogError) {
        if isHeld.withLock({ $0 }) { await gate.pass() }
        try await base.append(lines, to: function)
    }
    func lines(
        of function: FunctionKey, since: Timestamp?, limit: Int, matching filter: LogFilter
    ) async throws(LogError) -> [LogEntry] {
        try await base.lines(of: function, since: since, limit: limit, matching: filter)
    }
    func follow(_ function: FunctionKey, after: LogCursor?, matching filter: LogFilter) -> AsyncStream<LogEntry> {
        base.follow(function, after: after, matching: filter)
    }
    func functions() async throws(LogError) -> Set<FunctionKey> { try await base.functions() }
    func remove(_ function: FunctionKey) async throws(LogError) { try await base.remove(function) }
}

/// Starts when the gate opens.
private final class CountingEngine: ContainerEngine {
    let gate = Gate()
    private let base: SimContainerEngine
    private let counts = Mutex((now: 0, most: 0, all: 0))
    private let listened = Mutex(false)

    init(_ base: SimContainerEngine) { self.base = base }

    /// Whether somebody is told of the ends of instances.
    var isHeard: Bool { listened.withLock { $0 } }
    var mostAtOnce: Int { counts.withLock { $0.most } }
    var started: Int { counts.withLock { $0.all } }

    func start(_ spec: InstanceSpec) async throws(EngineError) -> RunningInstance {
        counts.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1), $0.all + 1) }
        defer { counts.withLock { $0.now -= 1 } }
        await gate.pass()
        return try await base.start(spec)
    }
    func stop(_ id: InstanceID, grace: Duration) async { await base.stop(id, grace: grace) }
    func list() async throws(EngineError) -> [RunningInstance] { try await base.list() }
    func exits() -> AsyncStream<InstanceExit> {
        defer { listened.withLock { $0 = true } }
        return base.exits()
    }
    func egressObstacle() async throws(EngineError) -> String? { try await base.egressObstacle() }
    func prepare() async throws(EngineError) -> [String] { try await base.prepare() }
}
