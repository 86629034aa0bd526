/// Decides, for one version of one function, which request goes to which instance and when instances start and stop.
///
/// A machine: events go in, actions come out, nothing else happens. `Dispatcher` drives it.
///
/// Requests are packed onto the oldest instance with room, so that the others fall idle and go. Requests that find no
/// room wait, in order and not for ever, and start as many instances as they need, not one each. A version whose
/// instances keep failing is tried again ever more slowly, and says so at once meanwhile.
///
/// An instance that refuses a connection is replaced (outlier ejection). One that lets a request time out is in quarantine
/// until it has answered its readiness check. What it goes on doing for nobody takes a place all the same, so that it never
/// works on more than its concurrency; where that lasts too long, it is replaced.
///
/// A tunnel takes a place as a request does, and ends late or never: an instance on its way out waits for its requests, and
/// for its tunnels only so long. Its stop is what ends them, so that the function can say goodbye.
package struct InstancePool: Sendable {
    package typealias RequestID = UInt64

    struct Settings: Hashable, Sendable {
        var limits: Limits
        /// Requests that may wait at a time.
        var queueLimit = 1000
        var queueWait = Duration.seconds(30)
        /// Failures in a row after which waiting requests are turned away.
        var failuresToOpen = 3
        /// How long tunnels keep an instance that is on its way out.
        var tunnelDrain = Duration.seconds(50)

        /// How long an instance may work on a request for which nobody waits any more.
        var unattendedLimit: Duration { max(.seconds(5), .seconds(limits.timeoutSeconds)) }
    }

    enum Action: Hashable, Sendable {
        /// Starts an instance when its turn comes, which `onStartBegun` says.
        case start(InstanceID)
        /// A start whose turn has not come is not needed any more.
        case withdraw(InstanceID)
        case stop(InstanceID)
        /// Stops an instance that would not hear of it: at once.
        case kill(InstanceID)
        /// Asks for its readiness; `onProbed` takes the answer.
        case probe(RunningInstance)
        /// The same of one that an earlier core left: patiently, since it has given no cause for doubt.
        case probeFound(RunningInstance)
        /// A line for the function's log.
        case note(InstanceID, String)
        case assign(RequestID, RunningInstance)
        case reject(RequestID, Rejection)
        /// Nothing runs or waits any more, and nothing will: the pool can be forgotten.
        case drained
    }

    enum Rejection: Error, Hashable, Sendable {
        case queueFull
        case waitedTooLong
        /// It waited too long, since there is no room for another instance.
        case noRoom(Capacity.Obstacle)
        /// Another version took over; the request belongs there.
        case retired
        /// Instances do not start or keep crashing; the reason of the last one, and when it is tried again.
        case failing(String, retryAfter: Duration)
    }

    /// How an exchange with an instance ended.
    package enum Outcome: Hashable, Sendable, CaseIterable {
        case answered
        /// It took no connection.
        case refused
        /// It ended or spoke nonsense in the middle.
        case broken
        case timedOut
        /// Whoever asked has gone.
        case abandoned
        /// It was never asked, and not for a reason of its own.
        case unsent

        /// Whether the instance may work on though nobody waits.
        var leavesWork: Bool {
            switch self {
            case .timedOut, .abandoned: true
            case .answered, .refused, .broken, .unsent: false
            }
        }
    }

    /// `open` ⇄ `draining` → `drained`, and from there `open` again.
    enum Lifecycle: Hashable {
        case open
        /// Another version took over: what waits and runs is finished.
        case draining
        /// That has been said.
        case drained
    }

    struct Waiting {
        let id: RequestID
        let since: Instant
        /// Turned away by the first failed start: a deploy wants to know, not to try again.
        let failsFast: Bool
    }

    let version: VersionKey
    let settings: Settings
    /// The oldest first.
    var instances: [PooledInstance] = []
    var queue: [Waiting] = []
    var nextOrdinal: UInt32
    var lifecycle = Lifecycle.open
    var circuit = Circuit.closed
    /// Instances of an earlier one are outdated: they go on until one of this has become ready, and then leave.
    private(set) var generation = 0

    /// - Parameter firstOrdinal: the number of the first instance; the following ones count up from it.
    init(version: VersionKey, settings: Settings, firstOrdinal: UInt32) {
        self.version = version
        self.settings = settings
        nextOrdinal = firstOrdinal
    }

    // MARK: What it holds

    /// Instances that exist in any phase; never more than the limit.
    var instanceCount: Int { instances.count }
    var waitingCount: Int { queue.count }
    /// Requests whose callers wait for an instance's answer.
    var inFlightCount: Int { instances.reduce(0) { $0 + $1.awaitedCount } }

    /// The instances that run and are not on their way out.
    var ready: [RunningInstance] { instances.compactMap { $0.isAlive ? $0.running : nil } }

    /// The generation that an instance was begun in.
    func generation(of id: InstanceID) -> Int? { index(of: id).map { instances[$0].generation } }

    func contains(_ id: InstanceID) -> Bool { index(of: id) != nil }

    /// When that instance became ready; `nil` where an earlier core had started it, or there is none.
    func readySince(_ id: InstanceID) -> Instant? { index(of: id).flatMap { instances[$0].readySince } }

    // MARK: Requests

    mutating func onRequest(_ id: RequestID, failsFast: Bool = false, now: Instant) -> [Action] {
        if lifecycle != .open { return [.reject(id, .retired)] }
        if let instance = takeRoomAtOnce(for: id) { return [.assign(id, instance)] }
        if !failsFast, let rejection = openCircuit(now: now) { return [.reject(id, rejection)] }
        guard queue.count < settings.queueLimit else { return [.reject(id, .queueFull)] }
        queue.append(Waiting(id: id, since: now, failsFast: failsFast))
        return settle(now: now)
    }

    /// A place for a request that will not wait for one. It goes past nobody.
    mutating func takeRoomAtOnce(for id: RequestID) -> RunningInstance? {
        lifecycle == .open && queue.isEmpty ? takeRoom(for: id) : nil
    }

    /// The request does not wait any longer; nothing happens if it does not wait.
    mutating func onRequestCancelled(_ id: RequestID, now: Instant) -> [Action] {
        queue.removeAll { $0.id == id }
        return settle(now: now)
    }

    /// Nobody waits for the request any more.
    mutating func onRequestEnded(
        _ request: RequestID, on id: InstanceID, outcome: Outcome, now: Instant
    ) -> [Action] {
        guard let index = index(of: id), instances[index].release(request, worksOn: outcome.leavesWork, now: now) else {
            return []
        }
        var actions: [Action] = []
        switch outcome {
        // That an outdated one works says nothing of its replacement.
        case .answered: if !isOutdated(instances[index]) { circuit = .closed }
        case .refused: actions = condemn(index, isHung: false, "it took no connection", now: now)
        case .timedOut:
            if case .running(let instance, .trusted) = instances[index].lifecycle {
                instances[index].lifecycle = .running(instance, .suspect)
                actions = [.probe(instance)]
            }
        case .broken, .abandoned, .unsent: break
        }
        return actions + settle(now: now)
    }

    /// An instance has taken an upgrade: the request is a tunnel until it ends.
    mutating func onUpgraded(_ request: RequestID, on id: InstanceID, now: Instant) -> [Action] {
        guard let index = index(of: id) else { return [] }
        instances[index].upgrade(request)
        return settle(now: now)
    }

    /// The end of a request that was answered, where nothing follows from it.
    /// - Returns: `false` where something may, and nothing has happened: `onRequestEnded` says what.
    mutating func releasesQuietly(_ request: RequestID, on id: InstanceID, now: Instant) -> Bool {
        guard lifecycle == .open, queue.isEmpty, case .closed = circuit, let index = index(of: id),
            case .running(_, .trusted) = instances[index].lifecycle, instances.allSatisfy(\.isSettled)
        else { return false }
        return instances[index].release(request, worksOn: false, now: now)
    }

    /// The instance has done with a request that was cut short.
    mutating func onWorkEnded(_ request: RequestID, on id: InstanceID, now: Instant) -> [Action] {
        guard let index = index(of: id), instances[index].finish(request, now: now) else { return [] }
        return settle(now: now)
    }

    // MARK: Instances

    /// The instance's turn to start has come.
    mutating func onStartBegun(_ id: InstanceID) {
        guard let index = index(of: id), instances[index].lifecycle == .waiting else { return }
        instances[index].lifecycle = .starting
        instances[index].generation = generation
    }

    mutating func onInstanceReady(_ instance: RunningInstance, now: Instant) -> [Action] {
        guard let index = index(of: instance.id) else { return [] }
        switch instances[index].lifecycle {
        case .starting:
            instances[index].lifecycle = .running(instance, .trusted)
            instances[index].idleSince = now
            instances[index].readySince = now
            return settle(now: now)
        case .ended(let reason): return lose(index, reason: reason, now: now)
        case .waiting, .running, .stopping: return []
        }
    }

    /// A start failed; nothing of the instance is left.
    mutating func onStartFailed(_ id: InstanceID, reason: String, now: Instant) -> [Action] {
        guard let index = index(of: id), instances[index].isStarting else { return [] }
        return lose(index, reason: reason, now: now)
    }

    /// What became of the readiness check that was asked for.
    mutating func onProbed(_ id: InstanceID, isReady: Bool, now: Instant) -> [Action] {
        guard let index = index(of: id) else { return [] }
        switch instances[index].lifecycle {
        case .running(let instance, .found), .running(let instance, .suspect):
            guard !isReady else {
                instances[index].lifecycle = .running(instance, .trusted)
                return settle(now: now)
            }
            return condemn(index, isHung: true, "it did not answer its readiness check", now: now) + settle(now: now)
        case .running, .waiting, .starting, .ended, .stopping: return []
        }
    }

    /// An instance ended by itself. One that is stopping has its own event for that, and one that is starting is kept
    /// until its start has been reported.
    mutating func onInstanceExited(_ id: InstanceID, reason: String, now: Instant) -> [Action] {
        guard let index = index(of: id) else { return [] }
        switch instances[index].lifecycle {
        case .starting:
            instances[index].lifecycle = .ended(reason: reason)
            return []
        case .running(_, .found), .running(_, .trusted), .running(_, .suspect):
            return lose(index, reason: reason, now: now)
        case .running(_, .leaving):
            // Why it had to go has been counted.
            instances.remove(at: index)
            return settle(now: now)
        case .waiting, .ended, .stopping: return []
        }
    }

    private mutating func lose(_ index: Int, reason: String, now: Instant) -> [Action] {
        instances.remove(at: index)
        return countFailure(reason, now: now) + settle(now: now)
    }

    /// What `stop` asked for is done.
    mutating func onInstanceStopped(_ id: InstanceID, now: Instant) -> [Action] {
        instances.removeAll { $0.id == id }
        return settle(now: now)
    }

    /// Takes over an instance that an earlier core started, before the pool opens or later. Whatever the limit: what may
    /// be healthy is not stopped for a number.
    mutating func onAdopt(_ instance: RunningInstance, now: Instant) -> [Action] {
        guard lifecycle == .open, !contains(instance.id) else { return [] }
        instances.append(
            PooledInstance(
                id: instance.id, generation: instance.generation, lifecycle: .running(instance, .found), idleSince: now)
        )
        return [.probeFound(instance)]
    }

    /// Instances that do nothing and may go when others need their room, with the time since when; the longest idle first.
    var spare: [(id: InstanceID, since: Instant)] {
        guard queue.isEmpty, lifecycle == .open else { return [] }
        let most = instances.count(where: \.isAlive) - settings.limits.minInstances
        guard most > 0 else { return [] }
        let idle = instances.filter { instance in
            if case .running(_, .trusted) = instance.lifecycle { instance.isIdle } else { false }
        }
        return idle.map { ($0.id, $0.idleSince) }.sorted { ($0.1, $0.0) < ($1.1, $1.0) }.prefix(most).map { $0 }
    }

    /// Instances that are on their way out.
    var leaving: [InstanceID] { instances.filter { !$0.isAlive }.map(\.id) }

    /// Somebody else needs the room of an idle instance; nothing happens when it works again.
    mutating func onReclaim(_ id: InstanceID, now: Instant) -> [Action] {
        guard let index = index(of: id), spare.contains(where: { $0.id == id }) else { return [] }
        instances[index].lifecycle = .stopping
        return [.stop(id)] + settle(now: now)
    }

    /// How many more instances it may have.
    var room: Int { lifecycle == .open ? max(0, settings.limits.maxInstances - instances.count) : 0 }

    // MARK: The pool

    /// The version is the one that answers, now or again.
    /// - Parameter generation: instances of an earlier one are replaced: as soon as one that is not has become ready, they
    ///   finish what they have, and go.
    mutating func onOpen(generation: Int = 0, now: Instant) -> [Action] {
        lifecycle = .open
        self.generation = max(self.generation, generation)
        return settle(now: now)
    }

    /// Another version took over: what waits and runs is finished, nothing is kept.
    mutating func onDrain(now: Instant) -> [Action] {
        if lifecycle == .open { lifecycle = .draining }
        return settle(now: now)
    }

    /// Something with a time may be due.
    mutating func onTick(now: Instant) -> [Action] {
        var actions: [Action] = []
        while let first = queue.first, first.since.advanced(by: settings.queueWait) <= now {
            queue.removeFirst()
            actions.append(.reject(first.id, .waitedTooLong))
        }
        return actions + settle(now: now)
    }
}
