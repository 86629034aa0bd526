import Invok
import Synchronization

/// Several cores on one store, cache and file store, each on a machine of its own; and what all users share.
final class SimCluster: Sendable {
    struct Account: Sendable {
        let token: String
        let namespace: Namespace
    }

    private struct State {
        /// When what faults have done must be over; `nil` until they have stopped.
        var calmSince: Instant?
        var usersWork = true
        var invocations = 0
        var requests = 0
        var accounts: [Account] = []
    }

    let seed: UInt64
    let clock = SimClock()
    let waits = SimWaits()
    let faults: SimFaultPlan
    let effects: SimEffects
    let checker: SimChecker
    let store: SimMetadataStore
    let history = StoreHistory()
    let cache: SimCoordinationCache
    let artifacts: SimArtifactStore
    let nodes: [SimNode]
    private let state = Mutex(State())

    /// - Parameter namesRequests: whether each invocation has an identifier of its own, so that one that reaches two
    ///   instances is seen.
    init(
        seed: UInt64, cores: Int, faults plan: SimFaultPlan, namesRequests: Bool = true,
        makeServer: @escaping SimServerMaker
    ) {
        let (clock, history) = (clock, history)
        let settings = Self.settings
        let effects = SimEffects(clock: clock, faults: plan)
        let artifacts = SimArtifactStore(effects: effects)
        let checker = SimChecker(clock: clock) { artifacts.isWhole($0.artifact) }
        let store = SimMetadataStore(effects: effects, onCommit: checker.onCommit)
        let cache = SimCoordinationCache(clock: clock, effects: effects)
        let logs = SimLogStore(effects: effects)
        let ids = SimRandomness(seed: seed)
        self.seed = seed
        faults = plan
        self.checker = checker
        self.effects = effects
        self.store = store
        self.cache = cache
        self.artifacts = artifacts
        nodes = (1...cores).map { number in
            // Each machine has what it has built itself.
            let builder = SimFunctionBuilder(effects: effects)
            var events = SimInstanceEvents(onStart: checker.onStart)
            if namesRequests { events.onRequest = checker.onRequest }
            let engine = SimContainerEngine(
                builder: builder, logs: logs, clock: clock, effects: effects, events: events)
            return SimNode(
                name: "core-\(number)", engine: engine, settings: settings, clock: clock, effects: effects,
                checker: checker, makeServer: makeServer
            ) { engine, life in
                World(
                    store: RecordingMetadataStore(store, into: history), cache: cache, engine: engine,
                    builder: builder, artifacts: artifacts, archives: SimArchiveReader(), logs: logs,
                    transport: SimTransport(engine: engine, clock: clock, effects: effects),
                    passwords: SimPasswordHasher(effects: effects), tokens: SimTokenCodec(), clock: clock,
                    randomness: ids.stream("ids \(life)"))
            }
        }
    }

    private static var settings: SystemSettings {
        var settings = SystemSettings()
        settings.attemptsPerAddress = .max
        settings.attemptsPerAccount = .max
        settings.deployLease = .seconds(60)
        return settings
    }

    /// Whether what the version is built from, on any machine, is there and whole.
    func keeps(_ version: Version) -> Bool { artifacts.isWhole(version.artifact) }

    // MARK: Time and chance

    func sleep(_ duration: Duration) async {
        try? await clock.sleep(until: clock.now().advanced(by: duration))
    }

    /// A stream of its own for one user's decisions.
    func random(_ name: String) -> SimGenerator { SimRandomness(seed: seed).stream(name).generator }

    // MARK: Faults

    /// Whether faults, or what they have left behind, may still be seen by users.
    var isDisturbed: Bool { !isCalm(since: clock.now()) }

    /// Whether nothing was disturbed at any time since.
    func isCalm(since: Instant) -> Bool {
        if !faults.disturbs { return true }
        return state.withLock { state in state.calmSince.map { $0 <= since } ?? false }
    }

    /// Ends the faults; what they did must be mended within the time.
    func stopFaults(recoveringFor duration: Duration) {
        faults.stop()
        let calm = clock.now().advanced(by: duration)
        state.withLock { $0.calmSince = calm }
    }

    // MARK: Users

    /// Whether users go on.
    var usersWork: Bool { state.withLock { $0.usersWork } }

    func stopUsers() { state.withLock { $0.usersWork = false } }

    /// Who has an account, in the order in which they got it.
    var accounts: [Account] { state.withLock { $0.accounts } }

    func add(_ account: Account) { state.withLock { $0.accounts.append(account) } }

    /// How many requests users sent.
    var requestCount: Int { state.withLock { $0.requests } }

    /// Names an invocation.
    func nextRequestID() -> String {
        state.withLock { state in
            state.invocations += 1
            return String(state.invocations)
        }
    }

    /// The way in to a core that serves.
    func front(to life: SimNode.Life) -> SimFront {
        SimFront(life: life) { [self] in state.withLock { $0.requests += 1 } }
    }

    /// A core that serves now; waits for one.
    func front(_ random: inout SimGenerator) async -> SimFront {
        while true {
            let lives = nodes.compactMap(\.life)
            if !lives.isEmpty { return front(to: lives[random.below(lives.count)]) }
            await sleep(.milliseconds(100))
        }
    }
}
