import Invok
import Synchronization

/// Several cores on one store, cache and file store, each on a machine of its own.
final class SimCluster: Sendable {
    let seed: UInt64
    let clock = SimClock()
    let faults: SimFaultPlan
    let effects: SimEffects
    let checker: SimChecker
    let store: SimMetadataStore
    let cache: SimCoordinationCache
    let logs: SimLogStore
    let nodes: [SimNode]
    let settings: SystemSettings
    /// When what faults have done must be over; `nil` until they have stopped.
    private let calmSince = Mutex<Instant?>(nil)

    init(seed: UInt64, cores: Int, faults plan: SimFaultPlan, makeServer: @escaping SimServerMaker) {
        let clock = clock
        let settings = Self.settings
        let staleness = plan.active.isEmpty ? settings.reconcileInterval + .seconds(10) : nil
        let checker = SimChecker(clock: clock, staleness: staleness)
        let effects = SimEffects(clock: clock, faults: plan)
        let store = SimMetadataStore(effects: effects, onCommit: checker.onCommit)
        let cache = SimCoordinationCache(clock: clock, effects: effects)
        let logs = SimLogStore(effects: effects)
        let artifacts = SimArtifactStore(effects: effects)
        let builder = SimFunctionBuilder(effects: effects)
        let ids = SimRandomness(seed: seed)
        self.seed = seed
        self.settings = settings
        faults = plan
        self.checker = checker
        self.effects = effects
        self.store = store
        self.cache = cache
        self.logs = logs
        nodes = (1...cores).map { number in
            let engine = SimContainerEngine(
                builder: builder, logs: logs, clock: clock, effects: effects, onStart: checker.onStart)
            return SimNode(
                name: "core-\(number)", engine: engine, settings: settings, clock: clock, effects: effects,
                makeServer: makeServer
            ) { engine, life in
                World(
                    store: store, cache: cache, engine: engine, builder: builder, artifacts: artifacts,
                    archives: SimArchiveReader(), logs: logs,
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

    /// Whether faults, or what they have left behind, may still be seen by users.
    var isDisturbed: Bool {
        if faults.active.isEmpty { return false }
        guard let calm = calmSince.withLock({ $0 }) else { return true }
        return clock.now() < calm
    }

    /// Ends the faults; what they did must be mended within the time.
    func stopFaults(recoveringFor duration: Duration) {
        faults.stop()
        let calm = clock.now().advanced(by: duration)
        calmSince.withLock { $0 = calm }
    }

    func sleep(_ duration: Duration) async {
        try? await clock.sleep(until: clock.now().advanced(by: duration))
    }

    /// Brings the faults that no effect brings: crashes and losses. Ends when faults stop.
    func disturb() async {
        await withDiscardingTaskGroup { group in
            for fault in [SimFault.coreCrash, .instanceCrash, .cacheLoss] {
                group.addTask {
                    while let pause = self.faults.pause(before: fault) {
                        await self.sleep(pause)
                        await self.strike(fault)
                    }
                }
            }
        }
    }

    private func strike(_ fault: SimFault) async {
        switch fault {
        case .coreCrash:
            guard let choice = faults.strike(fault, choices: nodes.count * 2) else { return }
            let node = nodes[choice % nodes.count]
            guard node.life != nil else { return }
            await node.crash(takesInstances: choice >= nodes.count)
            checker.mark("core crashed")
            await sleep(.milliseconds(500))
            await node.boot()
        case .instanceCrash:
            let running = nodes.flatMap { node in node.engine.running.map { (node.engine, $0.id) } }
            guard let choice = faults.strike(fault, choices: running.count) else { return }
            effects.note("\(running[choice].1) crashes")
            await running[choice].0.crash(running[choice].1)
            checker.mark("instance crashed")
        default:
            guard faults.strike(fault, choices: 1) != nil else { return }
            effects.note("the cache forgets everything")
            cache.forgetAll()
            checker.mark("cache lost")
        }
    }
}
