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

    /// A request's place in an instance. Give it back with `release`.
    struct Place: Hashable, Sendable {
        let request: InstancePool.RequestID
        let instance: RunningInstance
    }

    typealias Waiter = CheckedContinuation<Result<Place, Failure>, Never>
    /// Hears whether the instance's turn to start has come, or that it is not wanted any more.
    typealias Turn = CheckedContinuation<Bool, Never>

    enum Waiting {
        /// It has a number but does not wait yet.
        case arriving
        case waiting(Waiter)
        /// It was cancelled before it began to wait.
        case cancelled
    }

    struct State {
        var fleet: Fleet
        var requests: [InstancePool.RequestID: Waiting] = [:]
        var lastRequest: InstancePool.RequestID = 0
        /// Instances that wait for their turn to start.
        var turns: [InstanceID: Turn] = [:]
        /// `run` has ended: nothing will start any more.
        var isStopped = false
    }

    enum Effect {
        case resume(Waiter, Result<Place, Failure>)
        case start(VersionKey, InstanceID)
        case turn(Turn, Bool)
        case stop(VersionKey, InstanceID, grace: Duration)
        case probe(VersionKey, RunningInstance)
        case probeFound(VersionKey, RunningInstance)
        case note(VersionKey, InstanceID, String)
        case setAlarm(Instant)
        case ring
    }

    typealias Job = @Sendable () async -> Void

    /// A line of the platform for a function's log.
    struct Remark: Sendable {
        let instance: RunningInstance
        let text: String
    }

    /// Remarks that wait to be written; what comes beyond is let go.
    static let remarkLimit = 64

    /// Instances that an earlier core left and that are checked, or stopped, at a time.
    static let foundAtOnce = 32

    let world: World
    let settings: SystemSettings
    let logger: Logger
    let state: Mutex<State>
    // Bounded by the pools, not by themselves: an instance is started and stopped once, and each pool has a limit.
    let jobs = AsyncStream<Job>.makeStream()
    // Bounded by what the engine lists.
    let found = AsyncStream<Job>.makeStream()
    // About requests. Of a function that fails at every one, some lines say as much as all.
    let remarks = AsyncStream<Remark>.makeStream(bufferingPolicy: .bufferingOldest(remarkLimit))
    // Each is earlier than all that are set, so there are few.
    let alarms = AsyncStream<Instant>.makeStream()
    let starter: InstanceStarter
    let bell: Collector.Bell
    let calls: CallMeter

    /// - Parameters:
    ///   - bell: is rung when a version has gone with all its instances.
    ///   - calls: hears of starts.
    init(
        world: World, settings: SystemSettings, quotas: Quotas, bundles: Bundles, bell: Collector.Bell,
        calls: CallMeter, logger: Logger
    ) {
        self.calls = calls
        state = Mutex(State(fleet: Fleet(settings) { quotas.quota(of: $0) }))
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

    /// A place that is free now, without waiting for one. Give it back with `release`.
    func tryAcquire(_ version: VersionKey) -> Place? {
        state.withLock { state in
            guard !state.isStopped else { return nil }
            let id = state.lastRequest + 1
            guard let instance = state.fleet.takeRoomAtOnce(of: version, for: id) else { return nil }
            state.lastRequest = id
            return Place(request: id, instance: instance)
        }
    }

    /// When the place's instance became ready; `nil` where an earlier core had started it, or it has gone.
    func readySince(_ place: Place) -> Instant? {
        state.withLock { $0.fleet.pools[place.instance.version]?.machine.readySince(place.instance.id) }
    }

    /// Gives a place back. After an exchange that was cut short it is free only once the instance has done with it, which
    /// `workEnded` says.
    func release(_ place: Place, _ outcome: InstancePool.Outcome) {
        let (version, id, now) = (place.instance.version, place.instance.id, world.clock.now())
        // So it is nearly always.
        let isDone =
            outcome == .answered
            && state.withLock { $0.fleet.releasesQuietly(place.request, on: id, of: version, now: now) }
        guard !isDone else { return }
        change(place.instance.version) { machine, now in
            machine.onRequestEnded(place.request, on: place.instance.id, outcome: outcome, now: now)
        }
    }

    /// The instance has taken an upgrade: the request is a tunnel until its place is given back.
    func upgraded(_ place: Place) {
        change(place.instance.version) { machine, now in
            machine.onUpgraded(place.request, on: place.instance.id, now: now)
        }
    }

    /// The instance has done with what was cut short.
    func workEnded(_ place: Place) {
        change(place.instance.version) { machine, now in
            machine.onWorkEnded(place.request, on: place.instance.id, now: now)
        }
    }

    /// Has a line about a request written to the function's log, without waiting for that.
    func remark(_ text: String, on instance: RunningInstance) {
        remarks.continuation.yield(Remark(instance: instance, text: text))
    }

    private func enqueue(_ id: InstancePool.RequestID, _ waiter: Waiter, _ version: VersionKey, failsFast: Bool) {
        let now = world.clock.now()
        let effects = state.withLock { state -> [Effect] in
            if case .cancelled? = state.requests.removeValue(forKey: id) {
                return [.resume(waiter, .failure(.cancelled))]
            }
            if state.isStopped { return [.resume(waiter, .failure(.cancelled))] }
            guard state.fleet.pools[version] != nil else { return [.resume(waiter, .failure(.rejected(.retired)))] }
            state.requests[id] = .waiting(waiter)
            return apply(&state) { $0.change(version, now: now) { $0.onRequest(id, failsFast: failsFast, now: now) } }
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
                let effects = apply(&state) { $0.change(version, now: now) { $0.onRequestCancelled(id, now: now) } }
                return [.resume(waiter, .failure(.cancelled))] + effects
            }
        }
        carryOut(effects)
    }

    // MARK: Versions

    /// Lets the version take requests, now or again, and keeps its minimum of instances running.
    /// - Parameter generation: the function's `restarts`; instances of an earlier one are replaced.
    func open(_ version: Version, generation: Int = 0) {
        let now = world.clock.now()
        let effects = state.withLock { state -> [Effect] in
            if state.isStopped { return [] }
            state.fleet.makePool(version, firstOrdinal: newOrdinal)
            return apply(&state) { $0.change(version.key, now: now) { $0.onOpen(generation: generation, now: now) } }
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
            state.fleet.pools.keys.filter { $0.function == key && $0.number != kept }.sorted()
        }
        for version in others { retire(version) }
    }

    /// Takes over instances that an earlier core left: they count for their versions' minimums, and get requests once
    /// they have answered their readiness checks, which `run` asks for.
    /// - Parameter versions: those that are about to be opened, and get their pools now.
    func adopt(_ instances: [RunningInstance], of versions: [Version] = []) {
        state.withLock { state in
            for version in versions { state.fleet.makePool(version, firstOrdinal: newOrdinal) }
        }
        let now = world.clock.now()
        for instance in instances {
            carryOut(state.withLock { state in apply(&state) { $0.adopt(instance, now: now) } })
        }
    }

    /// Stops instances that nothing owns, once it runs.
    func remove(_ strangers: [RunningInstance]) {
        for instance in strangers where state.withLock({ $0.fleet.onStranger(instance) }) {
            found.continuation.yield { await self.end(stranger: instance.id) }
        }
    }

    private func end(stranger id: InstanceID) async {
        await world.engine.stop(id, grace: settings.stopGrace)
        let now = world.clock.now()
        carryOut(state.withLock { state in apply(&state) { $0.onStrangerGone(id, now: now) } })
        logger.info("an orphaned instance was removed", metadata: ["instance": "\(id)"])
    }

    /// The instances that this core starts, runs or ends, strangers included.
    var owned: Set<InstanceID> {
        state.withLock { state in
            state.fleet.strangers.union(state.fleet.pools.values.flatMap { $0.machine.instances.map(\.id) })
        }
    }

    /// How many more instances each open version may have.
    var rooms: [VersionKey: Int] { state.withLock { $0.fleet.pools.mapValues(\.machine.room) } }

    /// Whether this core knows the instance.
    func owns(_ instance: RunningInstance) -> Bool {
        state.withLock { $0.fleet.pools[instance.version]?.machine.contains(instance.id) ?? false }
    }

    /// Whether the version takes requests or still answers some.
    func isOpen(_ version: VersionKey) -> Bool { state.withLock { $0.fleet.pools[version] != nil } }

    /// The instances that take requests now, by version; the oldest first.
    var ready: [RunningInstance] { state.withLock { $0.fleet.ready } }

    /// The bundles of versions that take requests, or still have an instance.
    var bundles: Set<BundleID> { state.withLock { Set($0.fleet.pools.values.compactMap(\.version.bundle)) } }

    /// The engine does not know the instance any more, though nobody said that it ended.
    func lose(_ instance: RunningInstance) {
        change(instance.version, gone: instance.id) { machine, now in
            machine.onInstanceExited(instance.id, reason: "was lost", now: now)
        }
    }

    func load(of key: FunctionKey) -> FunctionLoad {
        state.withLock { state in
            state.fleet.pools.filter { $0.key.function == key }.values.reduce(into: FunctionLoad()) {
                $0.add($1.machine)
            }
        }
    }

    /// What all functions' instances do, and what they take.
    var use: (loads: [FunctionKey: FunctionLoad], fleet: FleetUse) {
        state.withLock { state in
            var loads: [FunctionKey: FunctionLoad] = [:]
            var callsWaiting = 0
            for (version, pool) in state.fleet.pools {
                loads[version.function, default: FunctionLoad()].add(pool.machine)
                callsWaiting += pool.machine.waitingCount
            }
            let starts = state.fleet.starts
            let use = FleetUse(
                total: starts.capacity.total, used: starts.capacity.used, startsWaiting: starts.waitingCount,
                callsWaiting: callsWaiting)
            return (loads, use)
        }
    }

    /// Names of instances are unique, across restarts of the core and for a version that comes back: a late word of an
    /// old instance must not be taken for one of the new ones.
    private func newOrdinal() -> UInt32 { UInt32(truncatingIfNeeded: world.randomness.next()) >> 1 }

    // MARK: State

    /// Changes a pool and carries out what follows, after the lock is gone.
    /// - Parameter gone: the instance that may be gone by the event.
    func change(
        _ key: VersionKey, gone: InstanceID? = nil,
        _ event: (inout InstancePool, Instant) -> [InstancePool.Action]
    ) {
        let now = world.clock.now()
        carryOut(
            state.withLock { state in
                apply(&state) { $0.change(key, gone: gone, now: now) { event(&$0, now) } }
            })
    }

    func apply(_ state: inout State, _ event: (inout Fleet) -> [Fleet.Action]) -> [Effect] {
        event(&state.fleet).compactMap { action in
            switch action {
            case .pool(let key, let action): effect(action, of: key, &state)
            case .launch(let id): endTurn(id, true, &state)
            case .setAlarm(let instant): .setAlarm(instant)
            }
        }
    }

    private func effect(_ action: InstancePool.Action, of key: VersionKey, _ state: inout State) -> Effect? {
        switch action {
        case .start(let id): .start(key, id)
        case .withdraw(let id): endTurn(id, false, &state)
        case .stop(let id): .stop(key, id, grace: settings.stopGrace)
        case .kill(let id): .stop(key, id, grace: .zero)
        case .probe(let instance): .probe(key, instance)
        case .probeFound(let instance): .probeFound(key, instance)
        case .note(let id, let text): .note(key, id, text)
        case .assign(let request, let instance):
            resume(request, .success(Place(request: request, instance: instance)), &state)
        case .reject(let request, let rejection): resume(request, .failure(.rejected(rejection)), &state)
        case .drained: .ring
        }
    }

    private func endTurn(_ id: InstanceID, _ hasCome: Bool, _ state: inout State) -> Effect? {
        state.turns.removeValue(forKey: id).map { .turn($0, hasCome) }
    }

    private func resume(
        _ id: InstancePool.RequestID, _ result: Result<Place, Failure>, _ state: inout State
    ) -> Effect? {
        guard case .waiting(let waiter)? = state.requests.removeValue(forKey: id) else { return nil }
        return .resume(waiter, result)
    }
}

extension FunctionLoad {
    fileprivate mutating func add(_ pool: InstancePool) {
        instances += pool.instanceCount
        requests += pool.inFlightCount + pool.waitingCount
    }
}
