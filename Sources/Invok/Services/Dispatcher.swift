import Logging
import Synchronization

/// Gives requests to instances: drives an `InstancePool` for each version that runs.
///
/// Requests come from anywhere and wait for their action; starts and stops are handed to `run`, whose task groups own
/// them.
final class Dispatcher: Sendable {
    enum Failure: Error, Hashable, Sendable {
        case rejected(InstancePool.Rejection)
        case cancelled
    }

    struct Load: Hashable, Sendable {
        var instances = 0
        var requests = 0
    }

    /// A request's place in an instance. Give it back with `release`.
    struct Place: Hashable, Sendable {
        let request: InstancePool.RequestID
        let instance: RunningInstance
    }

    private typealias Waiter = CheckedContinuation<Result<Place, Failure>, Never>

    private enum Waiting {
        /// It has a number but does not wait yet.
        case arriving
        case waiting(Waiter)
        /// It was cancelled before it began to wait.
        case cancelled
    }

    private struct Pool {
        var machine: InstancePool
        let version: Version
        /// When the machine has something to do by itself.
        var due: Instant?
    }

    private struct State {
        var pools: [VersionKey: Pool] = [:]
        var requests: [InstancePool.RequestID: Waiting] = [:]
        var lastRequest: InstancePool.RequestID = 0
        var alarms = Alarms()
        /// Instances of nobody that are about to be stopped.
        var strangers: Set<InstanceID> = []
        /// `run` has ended: nothing will start any more.
        var isStopped = false
    }

    private enum Effect {
        case resume(Waiter, Result<Place, Failure>)
        case start(VersionKey, InstanceID)
        case stop(VersionKey, InstanceID, grace: Duration)
        case probe(VersionKey, RunningInstance)
        case probeFound(VersionKey, RunningInstance)
        case note(VersionKey, InstanceID, String)
        case setAlarm(Instant)
        case ring
    }

    private typealias Job = @Sendable () async -> Void

    /// Instances that an earlier core left and that are checked, or stopped, at a time.
    static let foundAtOnce = 32

    private let world: World
    private let settings: SystemSettings
    private let logger: Logger
    private let state = Mutex(State())
    // Bounded by the pools, not by themselves: an instance is started and stopped once, and each pool has a limit.
    private let starts = AsyncStream<Job>.makeStream()
    private let jobs = AsyncStream<Job>.makeStream()
    // Bounded by what the engine lists.
    private let found = AsyncStream<Job>.makeStream()
    // Each is earlier than all that are set, so there are few.
    private let alarms = AsyncStream<Instant>.makeStream()
    private let starter: InstanceStarter
    private let bell: Collector.Bell

    /// - Parameter bell: is rung when a version has gone with all its instances.
    init(world: World, settings: SystemSettings, bundles: Bundles, bell: Collector.Bell, logger: Logger) {
        self.world = world
        self.settings = settings
        self.logger = logger
        self.bell = bell
        starter = InstanceStarter(world: world, settings: settings, bundles: bundles, logger: logger)
    }

    // MARK: Requests

    /// Waits for a place in an instance of the version, starting one where needed. Give it back with `release`.
    /// - Parameter failsFast: ends with the first failed start instead of trying again.
    func acquire(_ version: VersionKey, failsFast: Bool = false) async throws(Failure) -> Place {
        let id = state.withLock { state in
            state.lastRequest += 1
            state.requests[state.lastRequest] = .arriving
            return state.lastRequest
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in enqueue(id, waiter, version, failsFast: failsFast) }
        } onCancel: {
            cancel(id, version)
        }
        return try result.get()
    }

    /// Gives a place back. After an exchange that was cut short it is free only once the instance has done with it, which
    /// `workEnded` says.
    func release(_ place: Place, _ outcome: InstancePool.Outcome) {
        change(place.instance.version) { machine, now in
            machine.onRequestEnded(place.request, on: place.instance.id, outcome: outcome, now: now)
        }
    }

    /// The instance has done with what was cut short.
    func workEnded(_ place: Place) {
        change(place.instance.version) { machine, now in
            machine.onWorkEnded(place.request, on: place.instance.id, now: now)
        }
    }

    private func enqueue(_ id: InstancePool.RequestID, _ waiter: Waiter, _ version: VersionKey, failsFast: Bool) {
        let now = world.clock.now()
        let effects = state.withLock { state -> [Effect] in
            if case .cancelled? = state.requests.removeValue(forKey: id) {
                return [.resume(waiter, .failure(.cancelled))]
            }
            if state.isStopped { return [.resume(waiter, .failure(.cancelled))] }
            guard state.pools[version] != nil else { return [.resume(waiter, .failure(.rejected(.retired)))] }
            state.requests[id] = .waiting(waiter)
            return apply(version, &state, now) { $0.onRequest(id, failsFast: failsFast, now: now) }
        }
        carryOut(effects)
    }

    private func cancel(_ id: InstancePool.RequestID, _ version: VersionKey) {
        let now = world.clock.now()
        let effects = state.withLock { state -> [Effect] in
            switch state.requests[id] {
            case nil, .cancelled: return []
            case .arriving:
                state.requests[id] = .cancelled
                return []
            case .waiting(let waiter):
                state.requests[id] = nil
                let effects = apply(version, &state, now) { $0.onRequestCancelled(id, now: now) }
                return [.resume(waiter, .failure(.cancelled))] + effects
            }
        }
        carryOut(effects)
    }

    // MARK: Versions

    /// Lets the version take requests, now or again, and keeps its minimum of instances running.
    func open(_ version: Version) {
        let now = world.clock.now()
        let effects = state.withLock { state -> [Effect] in
            if state.isStopped { return [] }
            if state.pools[version.key] == nil { state.pools[version.key] = makePool(version) }
            return apply(version.key, &state, now) { $0.onOpen(now: now) }
        }
        carryOut(effects)
    }

    /// Lets the version finish what it has, and go.
    func retire(_ version: VersionKey) {
        change(version) { machine, now in machine.onDrain(now: now) }
    }

    /// Retires the function's versions, except one.
    /// - Parameter kept: the number of the version that stays; `nil` for none.
    func retire(_ key: FunctionKey, except kept: Int?) {
        let others = state.withLock { state in
            state.pools.keys.filter { $0.function == key && $0.number != kept }.sorted()
        }
        for version in others { retire(version) }
    }

    /// Takes over instances that an earlier core left: they count for their versions' minimums, and get requests once
    /// they have answered their readiness checks, which `run` asks for.
    /// - Parameter versions: those that are about to be opened, and get their pools now.
    func adopt(_ instances: [RunningInstance], of versions: [Version] = []) {
        state.withLock { state in
            for version in versions where state.pools[version.key] == nil {
                state.pools[version.key] = makePool(version)
            }
        }
        for instance in instances {
            change(instance.version) { machine, now in machine.onAdopt(instance, now: now) }
        }
    }

    /// Stops instances that nothing owns, once it runs.
    func remove(_ strangers: [RunningInstance]) {
        for instance in strangers where state.withLock({ $0.strangers.insert(instance.id).inserted }) {
            found.continuation.yield { await self.end(stranger: instance.id) }
        }
    }

    private func end(stranger id: InstanceID) async {
        await world.engine.stop(id, grace: settings.stopGrace)
        state.withLock { _ = $0.strangers.remove(id) }
        logger.info("an orphaned instance was removed", metadata: ["instance": "\(id)"])
    }

    /// The instances that this core starts, runs or ends, strangers included.
    var owned: Set<InstanceID> {
        state.withLock { state in
            state.strangers.union(state.pools.values.flatMap { $0.machine.instances.map(\.id) })
        }
    }

    /// How many more instances each open version may have.
    var rooms: [VersionKey: Int] { state.withLock { $0.pools.mapValues(\.machine.room) } }

    /// Whether this core knows the instance.
    func owns(_ instance: RunningInstance) -> Bool {
        state.withLock { $0.pools[instance.version]?.machine.contains(instance.id) ?? false }
    }

    /// Whether the version takes requests or still answers some.
    func isOpen(_ version: VersionKey) -> Bool { state.withLock { $0.pools[version] != nil } }

    /// The instances that take requests now, by version; the oldest first.
    var ready: [RunningInstance] {
        state.withLock { state in
            state.pools.sorted { $0.key < $1.key }.flatMap { $0.value.machine.ready }
        }
    }

    /// The bundles of versions that take requests, or still have an instance.
    var bundles: Set<BundleID> { state.withLock { Set($0.pools.values.compactMap(\.version.bundle)) } }

    /// The engine does not know the instance any more, though nobody said that it ended.
    func lose(_ instance: RunningInstance) {
        change(instance.version) { machine, now in
            machine.onInstanceExited(instance.id, reason: "was lost", now: now)
        }
    }

    func load(of key: FunctionKey) -> Load {
        state.withLock { state in
            state.pools.filter { $0.key.function == key }.values.reduce(into: Load()) { load, pool in
                load.instances += pool.machine.instanceCount
                load.requests += pool.machine.inFlightCount + pool.machine.waitingCount
            }
        }
    }

    private func makePool(_ version: Version) -> Pool {
        let pool = InstancePool.Settings(
            limits: version.settings.limits, queueLimit: settings.queueLimit, queueWait: settings.queueWait)
        // Names of instances are unique, across restarts of the core and for a version that comes back: a late word of
        // an old instance must not be taken for one of the new ones.
        let firstOrdinal = UInt32(truncatingIfNeeded: world.randomness.next()) >> 1
        return Pool(
            machine: InstancePool(version: version.key, settings: pool, firstOrdinal: firstOrdinal), version: version)
    }

    // MARK: Effects

    /// Starts and stops instances until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.watchExits() }
            group.addTask { await self.runAlarms() }
            group.addTask { await Self.run(self.starts.stream, atOnce: self.settings.concurrentStarts) }
            group.addTask { await Self.run(self.found.stream, atOnce: Self.foundAtOnce) }
            group.addTask { await self.runJobs() }
        }
    }

    /// Runs jobs side by side, so many at a time.
    private static func run(_ jobs: AsyncStream<Job>, atOnce limit: Int) async {
        await withTaskGroup(of: Void.self) { group in
            var running = 0
            for await job in jobs {
                if running == limit {
                    await group.next()
                    running -= 1
                }
                running += 1
                group.addTask(operation: job)
            }
        }
    }

    private func runJobs() async {
        await withDiscardingTaskGroup { group in
            for await job in jobs.stream { group.addTask(operation: job) }
        }
    }

    private func start(_ id: InstanceID, of key: VersionKey) async {
        guard let version = state.withLock({ $0.pools[key]?.version }) else { return }
        switch await starter.start(id, of: version) {
        case .success(let instance):
            change(key) { machine, now in machine.onInstanceReady(instance, now: now) }
        case .failure(let failure):
            change(key) { machine, now in machine.onStartFailed(id, reason: failure.reason, now: now) }
        }
    }

    private func stop(_ id: InstanceID, of key: VersionKey, grace: Duration) async {
        await world.engine.stop(id, grace: grace)
        change(key) { machine, now in machine.onInstanceStopped(id, now: now) }
    }

    private func probe(_ instance: RunningInstance, of key: VersionKey) async {
        let isReady = await starter.isReady(instance, within: settings.probeTimeout)
        change(key) { machine, now in machine.onProbed(instance.id, isReady: isReady, now: now) }
    }

    private func probeFound(_ instance: RunningInstance, of key: VersionKey) async {
        let isReady = await starter.answers(instance, within: settings.startTimeout)
        // A core that stops has not heard the instance out.
        guard isReady || !Task.isCancelled else { return }
        if isReady { logger.info("an instance was taken over", metadata: ["instance": "\(instance.id)"]) }
        change(key) { machine, now in machine.onProbed(instance.id, isReady: isReady, now: now) }
    }

    private func watchExits() async {
        await withDiscardingTaskGroup { group in
            for await exit in world.engine.exits() {
                let owner = state.withLock { $0.pools.first { $0.value.machine.contains(exit.id) }?.key }
                guard let owner else { continue }
                logger.info(
                    "an instance ended by itself", metadata: ["instance": "\(exit.id)", "reason": "\(exit.reason)"])
                change(owner) { machine, now in machine.onInstanceExited(exit.id, reason: exit.reason, now: now) }
                // Meanwhile the next one is heard of: until then, it would be sent requests. There are no more of these
                // than instances.
                group.addTask { await self.cleanUp(exit, in: owner.function) }
            }
        }
    }

    private func cleanUp(_ exit: InstanceExit, in function: FunctionKey) async {
        // Its remains go too; nothing else stops it, since it is gone from the pool. Its last words come before ours.
        await world.engine.stop(exit.id, grace: .zero)
        await starter.note("instance \(exit.reason)", about: exit.id, in: function)
    }

    private func runAlarms() async {
        await withDiscardingTaskGroup { group in
            for await alarm in alarms.stream { group.addTask { await self.ring(at: alarm) } }
            giveUp()
        }
    }

    /// Waits for the alarm, then does what is due in any pool.
    private func ring(at alarm: Instant) async {
        do throws(CancellationError) { try await world.clock.sleep(until: alarm) } catch { return }
        let now = world.clock.now()
        let due = state.withLock { state in
            state.alarms.ring(now: now)
            return state.pools.filter { $0.value.due.map { $0 <= now } ?? false }.keys.sorted()
        }
        for version in due { change(version) { machine, now in machine.onTick(now: now) } }
        let next = state.withLock { state in
            state.pools.values.compactMap(\.due).min().flatMap { state.alarms.cover($0, now: now) }
        }
        if let next { alarms.continuation.yield(next) }
    }

    /// Turns away what waits, in order: nothing will start for it any more.
    private func giveUp() {
        let waiters = state.withLock { state in
            state.isStopped = true
            state.pools = [:]
            return state.requests.sorted { $0.key < $1.key }.compactMap { id, request -> Waiter? in
                guard case .waiting(let waiter) = request else { return nil }
                state.requests[id] = nil
                return waiter
            }
        }
        for waiter in waiters { waiter.resume(returning: .failure(.cancelled)) }
    }

    // MARK: State

    /// Changes a pool and carries out what follows, after the lock is gone. A version without a pool has nothing to
    /// change.
    private func change(_ key: VersionKey, _ event: (inout InstancePool, Instant) -> [InstancePool.Action]) {
        let now = world.clock.now()
        let effects = state.withLock { state in apply(key, &state, now) { event(&$0, now) } }
        carryOut(effects)
    }

    private func apply(
        _ key: VersionKey, _ state: inout State, _ now: Instant, _ event: (inout InstancePool) -> [InstancePool.Action]
    ) -> [Effect] {
        guard let index = state.pools.index(forKey: key) else { return [] }
        let actions = event(&state.pools.values[index].machine)
        let due = state.pools.values[index].machine.nextDue(after: now)
        state.pools.values[index].due = due
        let alarm = due.flatMap { state.alarms.cover($0, now: now) }.map(Effect.setAlarm)
        return [alarm].compactMap(\.self)
            + actions.compactMap { action in
                switch action {
                case .start(let id): return .start(key, id)
                case .stop(let id): return .stop(key, id, grace: settings.stopGrace)
                case .kill(let id): return .stop(key, id, grace: .zero)
                case .probe(let instance): return .probe(key, instance)
                case .probeFound(let instance): return .probeFound(key, instance)
                case .note(let id, let text): return .note(key, id, text)
                case .assign(let request, let instance):
                    return resume(request, .success(Place(request: request, instance: instance)), &state)
                case .reject(let request, let rejection): return resume(request, .failure(.rejected(rejection)), &state)
                case .drained:
                    state.pools[key] = nil
                    return .ring
                }
            }
    }

    private func resume(
        _ id: InstancePool.RequestID, _ result: Result<Place, Failure>, _ state: inout State
    ) -> Effect? {
        guard case .waiting(let waiter)? = state.requests.removeValue(forKey: id) else { return nil }
        return .resume(waiter, result)
    }

    private func carryOut(_ effects: [Effect]) {
        for effect in effects {
            switch effect {
            case .resume(let waiter, let result): waiter.resume(returning: result)
            case .start(let key, let id): starts.continuation.yield { await self.start(id, of: key) }
            case .stop(let key, let id, let grace):
                jobs.continuation.yield { await self.stop(id, of: key, grace: grace) }
            case .probe(let key, let instance): jobs.continuation.yield { await self.probe(instance, of: key) }
            case .probeFound(let key, let instance):
                found.continuation.yield { await self.probeFound(instance, of: key) }
            case .note(let key, let id, let text):
                jobs.continuation.yield { await self.starter.note(text, about: id, in: key.function) }
            case .setAlarm(let instant): alarms.continuation.yield(instant)
            case .ring: bell.ring()
            }
        }
    }
}
