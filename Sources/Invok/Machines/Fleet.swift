/// All instances of this core: an `InstancePool` for each version that runs, and the `StartQueue` that they share.
///
/// A machine: events go in, actions come out. `Dispatcher` drives it.
struct Fleet: Sendable {
    enum Action: Hashable, Sendable {
        /// What a pool wants. A start is got ready first, which `onPrepared` says; then it waits for its turn.
        case pool(VersionKey, InstancePool.Action)
        /// The instance's turn to start has come; `onRunning` ends it.
        case launch(InstanceID)
        /// Call `onAlarm` at this time.
        case setAlarm(Instant)
    }

    struct Pool {
        var machine: InstancePool
        let version: Version
        /// When the machine has something to do by itself.
        var due: Instant?
    }

    /// Between two looks whether there is room for a start that lacks it.
    private static let lookInterval = Duration.milliseconds(250)

    private(set) var pools: [VersionKey: Pool] = [:]
    private(set) var starts: StartQueue
    /// Instances that nothing owns, and that are being stopped.
    private(set) var strangers: Set<InstanceID> = []
    private var alarms = Alarms()
    private var nextLook: Instant?
    private let queueLimit: Int
    private let queueWait: Duration
    private let tunnelDrain: Duration
    private let quota: @Sendable (Namespace) -> Quota

    /// - Parameter quota: what a namespace may hold; asked for each start, so it has to know at once.
    init(_ settings: SystemSettings, quota: @escaping @Sendable (Namespace) -> Quota) {
        starts = StartQueue(places: settings.concurrentStarts, capacity: settings.capacity)
        queueLimit = settings.queueLimit
        queueWait = settings.queueWait
        tunnelDrain = settings.tunnelDrain
        self.quota = quota
    }

    // MARK: What there is

    func owner(of id: InstanceID) -> VersionKey? { pools.first { $0.value.machine.contains(id) }?.key }

    /// The instances that take requests now, by version; the oldest first.
    var ready: [RunningInstance] { pools.sorted { $0.key < $1.key }.flatMap { $0.value.machine.ready } }

    // MARK: Events

    /// A place in an instance of the version for a request that will not wait for one.
    mutating func takeRoomAtOnce(of key: VersionKey, for request: InstancePool.RequestID) -> RunningInstance? {
        guard let index = pools.index(forKey: key) else { return nil }
        return pools.values[index].machine.takeRoomAtOnce(for: request)
    }

    /// An answered request's place is free again, where nothing follows from it.
    /// - Returns: `false` where something may, and nothing has happened.
    mutating func releasesQuietly(
        _ request: InstancePool.RequestID, on id: InstanceID, of key: VersionKey, now: Instant
    ) -> Bool {
        guard let index = pools.index(forKey: key) else { return false }
        // That it is idle now is seen at the alarm that is set, or matters to nobody.
        guard pools.values[index].due != nil || pools.values[index].machine.isAtMinimum else { return false }
        return pools.values[index].machine.releasesQuietly(request, on: id, now: now)
    }

    /// Makes the version's pool, where there is none.
    /// - Parameter firstOrdinal: the number of its first instance.
    mutating func makePool(_ version: Version, firstOrdinal: () -> UInt32) {
        guard pools[version.key] == nil else { return }
        let settings = InstancePool.Settings(
            limits: version.settings.limits, queueLimit: queueLimit,
            // No shorter than the start that is waited for.
            queueWait: max(queueWait, .seconds(version.settings.limits.startSeconds + 10)),
            tunnelDrain: tunnelDrain)
        let machine = InstancePool(version: version.key, settings: settings, firstOrdinal: firstOrdinal())
        pools[version.key] = Pool(machine: machine, version: version)
    }

    /// Changes a pool. A version without a pool has nothing to change.
    /// - Parameter gone: the instance that may be gone by the event.
    mutating func change(
        _ key: VersionKey, gone: InstanceID? = nil, now: Instant,
        _ event: (inout InstancePool) -> [InstancePool.Action]
    ) -> [Action] {
        var isChanged = false
        var actions = apply(key, now, becomesUrgent: &isChanged, event)
        if let gone, pools[key]?.machine.contains(gone) != true {
            starts.onGone(gone)
            isChanged = true
        }
        if isChanged { actions += giveTurns(now) }
        return actions
    }

    /// Takes over an instance that an earlier core left.
    mutating func adopt(_ instance: RunningInstance, now: Instant) -> [Action] {
        let actions = change(instance.version, now: now) { $0.onAdopt(instance, now: now) }
        if let pool = pools[instance.version], pool.machine.contains(instance.id) {
            starts.adopt(start(instance.id, of: pool.version))
        }
        return actions
    }

    /// An instance that an earlier core left and that nothing owns is to be stopped: what it takes is not free before it is
    /// gone.
    /// - Returns: `false` when that is known already.
    mutating func onStranger(_ instance: RunningInstance) -> Bool {
        guard strangers.insert(instance.id).inserted else { return false }
        starts.adopt(StartQueue.Start(version: instance.version, id: instance.id, share: instance.share))
        return true
    }

    mutating func onStrangerGone(_ id: InstanceID, now: Instant) -> [Action] {
        guard strangers.remove(id) != nil else { return [] }
        starts.onGone(id)
        return giveTurns(now)
    }

    /// All that an instance needs is there: it waits for its turn.
    mutating func onPrepared(_ id: InstanceID, of key: VersionKey, now: Instant) -> [Action] {
        guard let pool = pools[key], pool.machine.contains(id) else { return [] }
        let start = start(id, of: pool.version)
        guard starts.append(start) else {
            let reason =
                "it may take \(start.share.memoryMB) MB of memory, and this server has"
                + " \(starts.capacity.total.memoryMB) MB for all functions"
            return [.pool(key, .withdraw(id))]
                + change(key, gone: id, now: now) { $0.onStartFailed(id, reason: reason, now: now) }
        }
        return giveTurns(now)
    }

    /// The instance's process runs, or will not.
    mutating func onRunning(_ id: InstanceID, now: Instant) -> [Action] {
        starts.onRunning(id)
        return giveTurns(now)
    }

    /// An alarm has rung.
    mutating func onAlarm(now: Instant) -> [Action] {
        alarms.ring(now: now)
        starts.onTick(now: now)
        let due = pools.filter { $0.value.due.map { $0 <= now } ?? false }.keys.sorted()
        var actions = due.flatMap { key in change(key, now: now) { $0.onTick(now: now) } }
        actions += giveTurns(now)
        return actions + cover(pools.values.compactMap(\.due).min(), now)
    }

    /// Forgets everything: nothing will start any more.
    mutating func removeAll() { pools = [:] }

    // MARK: Turns

    private func start(_ id: InstanceID, of version: Version) -> StartQueue.Start {
        StartQueue.Start(version: version.key, id: id, share: Resources(version.settings.limits))
    }

    /// Whether requests wait for an instance of the version.
    private func isUrgent(_ key: VersionKey) -> Bool { (pools[key]?.machine.waitingCount ?? 0) > 0 }

    private mutating func giveTurns(_ now: Instant) -> [Action] {
        guard starts.waitingCount + starts.placeCount > 0 else { return [] }
        var actions: [Action] = []
        while let start = nextStart(now) {
            pools[start.version]?.machine.onStartBegun(start.id)
            actions.append(.launch(start.id))
        }
        actions += makeRoom(now)
        return actions + cover([starts.nextDue, nextLook].compactMap(\.self).min(), now)
    }

    private mutating func nextStart(_ now: Instant) -> StartQueue.Start? {
        // The condition reads the pools while the queue changes.
        let pools = pools
        return starts.next(now: now, isUrgent: { (pools[$0.version]?.machine.waitingCount ?? 0) > 0 }, quota: quota)
    }

    /// Stops idle instances where that makes room for a request: the longest idle first, of anybody, or of the owner alone
    /// where it is the owner's quota that is used up.
    private mutating func makeRoom(_ now: Instant) -> [Action] {
        nextLook = nil
        guard let start = starts.blocked(isUrgent: { isUrgent($0.version) }, quota: quota) else { return [] }
        let quota = quota(start.owner)
        // What is on its way out needs no more of it.
        var planned = starts.capacity
        for pool in pools.values { pool.machine.leaving.forEach { planned.release($0) } }
        for id in strangers { planned.release(id) }
        var victims: [(version: VersionKey, id: InstanceID)] = []
        var candidates = spare[...]
        while let obstacle = planned.obstacle(to: start.share, of: start.owner, within: quota) {
            let isMeant = { (version: VersionKey) in obstacle == .machine || version.function.namespace == start.owner }
            guard let index = candidates.firstIndex(where: { isMeant($0.version) }) else {
                // Nobody loses anything for a start that could not go all the same.
                nextLook = now.advanced(by: Self.lookInterval)
                return []
            }
            let victim = candidates.remove(at: index)
            planned.release(victim.id)
            victims.append((victim.version, victim.id))
        }
        return victims.flatMap { victim in apply(victim.version, now) { $0.onReclaim(victim.id, now: now) } }
    }

    private var spare: [(version: VersionKey, id: InstanceID, since: Instant)] {
        pools.flatMap { key, pool in pool.machine.spare.map { (key, $0.id, $0.since) } }
            .sorted { ($0.2, $0.1) < ($1.2, $1.1) }
    }

    // MARK: Pools

    private mutating func apply(
        _ key: VersionKey, _ now: Instant, _ event: (inout InstancePool) -> [InstancePool.Action]
    ) -> [Action] {
        var isUrgent = false
        return apply(key, now, becomesUrgent: &isUrgent, event)
    }

    /// - Parameter becomesUrgent: set when requests wait for an instance of the version, and did not before.
    private mutating func apply(
        _ key: VersionKey, _ now: Instant, becomesUrgent: inout Bool,
        _ event: (inout InstancePool) -> [InstancePool.Action]
    ) -> [Action] {
        guard let index = pools.index(forKey: key) else { return [] }
        let wasUrgent = pools.values[index].machine.waitingCount > 0
        let wanted = event(&pools.values[index].machine)
        becomesUrgent = !wasUrgent && pools.values[index].machine.waitingCount > 0
        let due = pools.values[index].machine.nextDue(after: now)
        pools.values[index].due = due
        var actions = cover(due, now)
        for action in wanted {
            switch action {
            case .reject(let request, .waitedTooLong):
                let obstacle = starts.obstacle(of: key, quota: quota(key.function.namespace))
                actions.append(.pool(key, .reject(request, obstacle.map { .noRoom($0) } ?? .waitedTooLong)))
            case .withdraw(let id):
                starts.onGone(id)
                actions.append(.pool(key, action))
            case .drained:
                pools[key] = nil
                actions.append(.pool(key, action))
            default: actions.append(.pool(key, action))
            }
        }
        return actions
    }

    private mutating func cover(_ due: Instant?, _ now: Instant) -> [Action] {
        due.flatMap { alarms.cover($0, now: now) }.map { [.setAlarm($0)] } ?? []
    }
}
