import Invok
import InvokConcurrency
import InvokSim
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
        /// Who may call in a namespace that is not theirs, by namespace.
        var guests: [Namespace: Account] = [:]
    }

    let seed: UInt64
    /// How many functions a user may have.
    let functionQuota: Int
    let clock = SimClock()
    let waits = SimWaits()
    let faults: SimFaultPlan
    let effects: SimEffects
    let tally = SimCallTally()
    let checker: SimChecker
    let store: SimMetadataStore
    let history = StoreHistory()
    let cache: SimCoordinationCache
    let artifacts: SimArtifactStore
    let logs: SimLogStore
    let nodes: [SimNode]
    let settings: SystemSettings
    /// The network; `nil` where requests come without bytes.
    let bytes: SimBytes?
    /// Connections to the store; the cache does one call after the other, as Redis does.
    private static let storeConnections = 8
    /// Of each machine. Builds, starts and requests take turns on them.
    private static let processors = 4
    private static let quantum = Duration.milliseconds(100)

    /// The functions that are changed in the store, when they are.
    private let commits: Broadcast<FunctionKey, Void>
    private let state = Mutex(State())

    /// - Parameters:
    ///   - functionQuota: how many functions a user may have.
    ///   - functions: how many those have together who behave.
    ///   - offenders: how many users misbehave.
    ///   - isTight: whether archives may be so small only that who misbehaves comes to the end of it.
    ///   - namesRequests: whether each invocation has an identifier of its own, so that one that reaches two instances
    ///     is seen.
    ///   - onBytes: whether requests go over a simulated network, as bytes.
    init(
        seed: UInt64, cores: Int, faults plan: SimFaultPlan, functionQuota: Int = Quota.Name.functions.standard,
        functions: Int = 8, offenders: Int = 0, isTight: Bool = true, namesRequests: Bool = true,
        onBytes: Bool = false, makeServer: @escaping SimServerMaker
    ) {
        let (clock, history) = (clock, history)
        let settings = Self.settings(
            seed: seed, functionQuota: functionQuota, functions: functions, offenders: offenders, isTight: isTight)
        let effects = SimEffects(clock: clock, faults: plan)
        let artifacts = SimArtifactStore(effects: effects)
        let ids = SimRandomness(seed: seed)
        let sealer = EnvironmentSealer(key: .simulated, randomness: ids.stream("nonces"))
        let checker = SimChecker(clock: clock, capacity: settings.capacity, quota: settings.quota, sealer: sealer) {
            artifacts.isWhole($0.artifact)
        }
        let commits = Broadcast<FunctionKey, Void>(buffer: 1)
        let connections = SimQueue(servers: Self.storeConnections, clock: clock)
        let store = SimMetadataStore(
            effects: effects, connections: connections, onSecret: checker.onSecret
        ) { key, tables in
            if checker.onCommit(key, tables) { commits.send((), on: key) }
        }
        artifacts.keepNamed(in: store)
        let cache = SimCoordinationCache(
            clock: clock, effects: effects, server: SimQueue(servers: 1, clock: clock))
        let logs = SimLogStore(effects: effects)
        self.seed = seed
        self.functionQuota = functionQuota
        faults = plan
        self.checker = checker
        self.effects = effects
        self.store = store
        self.commits = commits
        self.cache = cache
        self.artifacts = artifacts
        self.logs = logs
        self.settings = settings
        let bytes = onBytes ? SimBytes(seed: seed, clock: clock, effects: effects, faults: plan, checker: checker) : nil
        self.bytes = bytes
        nodes = (1...cores).map { number in
            let processors = SimQueue(servers: Self.processors, quantum: Self.quantum, clock: clock)
            let disk = SimDisk(clock: clock, effects: effects)
            checker.watch(disk, of: "core-\(number)")
            // Each machine has what it has built itself.
            let builds = SimGauge("builds", limit: settings.concurrentBuilds, observer: checker)
            let builder = SimFunctionBuilder(effects: effects, processors: processors, running: builds)
            var events = SimInstanceEvents()
            events.onStart = checker.onStart
            events.onStop = checker.onStop
            if namesRequests {
                events.onRequest = checker.onRequest
                events.onRefusal = checker.onRefusal
            }
            // What the machine's instances were started with, whichever core did.
            let masks = LogMasks(
                store: store, sealer: EnvironmentSealer(key: .simulated, randomness: ids.stream("masks \(number)")))
            let engine = SimContainerEngine(
                builder: builder, logs: MaskedLogStore(logs, masks: masks), clock: clock, effects: effects,
                processors: processors, events: events)
            builder.watchRemovals { [weak engine] bundle in
                let running = engine?.instances(of: bundle) ?? []
                checker.require(running.isEmpty, "the bundle of \(running) was removed while they ran")
            }
            bytes?.add(engine, number)
            return SimNode(
                name: "core-\(number)", engine: engine, builder: builder, processors: processors, disk: disk,
                settings: settings, clock: clock, effects: effects, checker: checker, bytes: bytes,
                makeServer: makeServer
            ) { engine, life, transport in
                World(
                    store: RecordingMetadataStore(store, into: history), accounts: store, cache: cache, engine: engine,
                    builder: builder, artifacts: artifacts, archives: SimArchiveReader(),
                    spool: SimSpool(
                        effects: effects,
                        files: SimGauge("files of uploads", limit: settings.spoolFiles, observer: checker),
                        bytes: SimGauge("bytes of uploads", limit: settings.spoolBytes, observer: checker)),
                    disk: disk, logs: MaskedLogStore(logs, masks: masks), masks: masks,
                    transport: transport,
                    passwords: SimPasswordHasher(effects: effects, processors: processors), tokens: SimTokenCodec(),
                    sealer: EnvironmentSealer(key: .simulated, randomness: ids.stream("nonces \(life)")), clock: clock,
                    randomness: ids.stream("ids \(life)"))
            }
        }
    }

    /// Some cores look again often, so that they do it while something changes; most do it seldom, so that nothing else
    /// mends what must be right before.
    private static func settings(
        seed: UInt64, functionQuota: Int, functions: Int, offenders: Int, isTight: Bool
    ) -> SystemSettings {
        var random = SimRandomness(seed: seed).stream("settings").generator
        var settings = SystemSettings()
        if random.below(3) == 0 { settings.reconcileInterval = .seconds(5) }
        // Most keep so few versions that some go soon.
        if random.below(3) > 0 { settings.quota = Quota([.versions: 1 + random.below(3)]) }
        settings.quota = settings.quota.replacing([.functions: functionQuota])
        // So few that one stranger's flood would use them up.
        if isTight { settings.quota = settings.quota.replacing([.invocationsPerSecond: 120]) }
        // As a server on loopback has it.
        settings.freesOnlyUser = !isTight
        if isTight {
            // So little that who misbehaves comes to the end of it, and who deploys all functions at once does not.
            settings.archiveLimits = ArchiveLimits(archiveBytes: 64 << 10, contentBytes: 64 << 10, entries: 100)
            settings.spoolFiles = 8 * functionQuota
            settings.spoolBytes = 512 << 10
            tighten(&settings, functions: functions, offenders: offenders, &random)
        }
        settings.attemptsPerAddress = .max
        settings.attemptsPerAccount = .max
        settings.deployLease = .seconds(60)
        return settings
    }

    /// Gives machines so little that two who misbehave can take all of it but for what the others need, who share what is
    /// left.
    /// - Parameters:
    ///   - functions: of those who behave.
    ///   - offenders: who misbehave.
    private static func tighten(
        _ settings: inout SystemSettings, functions: Int, offenders: Int, _ random: inout SimGenerator
    ) {
        settings.concurrentStarts = [1, 2, 4][random.below(3)]
        // One user may have two of them: where that is all, the others wait for as long as a build may take.
        settings.concurrentBuilds = 3 + random.below(2)
        // What is in the spool is bounded there, not by how many may wait for their deploys.
        settings.deployQueueLimit = 400
        let instances = 12 + random.below(9)
        let room = offenders * instances + max(12, functions) + random.below(8)
        settings.quota = settings.quota.replacing([
            .instances: instances, .memoryMB: instances * Limits.standard.memoryMB,
        ])
        settings.capacity = Resources(instances: room, memoryMB: room * Limits.standard.memoryMB - 64)
    }

    /// Whether what the version is built from, on any machine, is there and whole.
    func keeps(_ version: Version) -> Bool { artifacts.isWhole(version.artifact) }

    // MARK: Time and chance

    func sleep(_ duration: Duration) async {
        try? await clock.sleep(until: clock.now().advanced(by: duration))
    }

    /// Lets a user rest, but not longer than users go on.
    func rest(_ duration: Duration) async {
        let end = clock.now().advanced(by: duration)
        while usersWork, clock.now() < end {
            await sleep(min(.seconds(10), clock.now().duration(to: end)))
        }
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

    /// Whether nothing at all was out of order at any time since, also nothing of which users see only time.
    func isOrderly(since: Instant) -> Bool {
        if faults.active.isEmpty { return true }
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

    /// The account before is a guest of each new one, and the second of the first.
    func add(_ account: Account) {
        let grants = state.withLock { state -> [Grant] in
            if let before = state.accounts.last { state.guests[account.namespace] = before }
            if state.accounts.count == 1 { state.guests[state.accounts[0].namespace] = account }
            state.accounts.append(account)
            return state.guests.map { Grant(namespace: $0.key, user: $0.value.namespace, role: .viewer) }
        }
        for grant in grants { store.admit(grant) }
    }

    /// Who may call the functions of a namespace, and change nothing there.
    func guest(of namespace: Namespace) -> Account? { state.withLock { $0.guests[namespace] } }

    /// Waits until what the store shows of a function changes; not for ever.
    func nextCommit(of key: FunctionKey) async { await next(in: commits.messages(on: key)) }

    /// Waits for a message; not for ever.
    func next(in messages: AsyncStream<Void>) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in messages { return } }
            group.addTask { await self.sleep(.seconds(20)) }
            await group.next()
            group.cancelAll()
        }
    }

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
        SimFront(life: life, tally: tally) { [self] in state.withLock { $0.requests += 1 } }
    }

    /// Whether the core's machine has what the active version runs, so that a start of it needs no build.
    func isBuilt(_ key: FunctionKey, _ known: SimFunctionModel.Known, for front: SimFront) -> Bool {
        guard case .active(let number) = known, let node = nodes.first(where: { $0.life?.core === front.life.core }),
            let bundle = checker.bundle(of: VersionKey(function: key, number: number))
        else { return false }
        return node.builder.has(bundle)
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
