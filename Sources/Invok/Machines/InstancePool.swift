/// Decides, for one version of one function, which request goes to which instance and when instances start and stop.
///
/// A machine: events go in, actions come out, nothing else happens. `Dispatcher` drives it.
///
/// Requests are packed onto the oldest instance with room, so that the others fall idle and go. Requests that find no
/// room wait, in order and not for ever, and start as many instances as they need, not one each. A version whose
/// instances keep failing is tried again ever more slowly, and says so at once meanwhile.
struct InstancePool: Sendable {
    typealias RequestID = UInt64

    struct Settings: Hashable, Sendable {
        var limits: Limits
        /// Requests that may wait at a time.
        var queueLimit = 1000
        var queueWait = Duration.seconds(30)
        /// Failures in a row after which waiting requests are turned away.
        var failuresToOpen = 3
        var firstBackoff = Duration.milliseconds(100)
        var longestBackoff = Duration.seconds(30)
    }

    enum Action: Hashable, Sendable {
        case start(InstanceID)
        case stop(InstanceID)
        case assign(RequestID, RunningInstance)
        case reject(RequestID, Rejection)
        /// Nothing runs or waits any more, and nothing will: the pool can be forgotten.
        case drained
    }

    enum Rejection: Error, Hashable, Sendable {
        case queueFull
        case waitedTooLong
        /// Another version took over; the request belongs there.
        case retired
        /// Instances do not start or keep crashing; the reason of the last one, and when it is tried again.
        case failing(String, retryAfter: Duration)
    }

    private enum Phase: Hashable {
        case starting
        case ready(RunningInstance, inFlight: Int, idleSince: Instant)
        /// It ended by itself before its start was reported; what the report brings is gone already.
        case ended(reason: String)
        case stopping

        var isStarting: Bool {
            switch self {
            case .starting, .ended: true
            case .ready, .stopping: false
            }
        }
    }

    private struct Waiting {
        let id: RequestID
        let since: Instant
        /// Turned away by the first failed start: a deploy wants to know, not to try again.
        let failsFast: Bool
    }

    private let version: VersionKey
    private let settings: Settings
    /// The oldest first.
    private var instances: [(id: InstanceID, phase: Phase)] = []
    private var queue: [Waiting] = []
    private var nextOrdinal: UInt32
    private var isDraining = false
    private var isDrained = false
    private var failures = 0
    private var lastFailure = ""
    private var startsBlockedUntil: Instant?

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
    var inFlightCount: Int {
        instances.reduce(0) { if case .ready(_, let inFlight, _) = $1.phase { $0 + inFlight } else { $0 } }
    }

    /// The instances that take requests.
    var ready: [RunningInstance] {
        instances.compactMap { if case .ready(let instance, _, _) = $0.phase { instance } else { nil } }
    }

    func contains(_ id: InstanceID) -> Bool { index(of: id) != nil }

    // MARK: Requests

    mutating func onRequest(_ id: RequestID, failsFast: Bool = false, now: Instant) -> [Action] {
        if isDraining { return [.reject(id, .retired)] }
        if queue.isEmpty, let instance = takeRoom() { return [.assign(id, instance)] }
        if !failsFast, let rejection = openCircuit(now: now) { return [.reject(id, rejection)] }
        guard queue.count < settings.queueLimit else { return [.reject(id, .queueFull)] }
        queue.append(Waiting(id: id, since: now, failsFast: failsFast))
        return settle(now: now)
    }

    /// The request does not wait any longer; nothing happens if it does not wait.
    mutating func onRequestCancelled(_ id: RequestID, now: Instant) -> [Action] {
        queue.removeAll { $0.id == id }
        return settle(now: now)
    }

    /// - Parameter succeeded: whether the instance answered, whatever the answer.
    mutating func onRequestEnded(on id: InstanceID, succeeded: Bool, now: Instant) -> [Action] {
        guard let index = index(of: id), case .ready(let instance, let inFlight, _) = instances[index].phase else {
            return []
        }
        assert(inFlight > 0, "a slot of \(id) was given back twice")
        instances[index].phase = .ready(instance, inFlight: max(0, inFlight - 1), idleSince: now)
        if succeeded { forgetFailures() }
        return settle(now: now)
    }

    // MARK: Instances

    mutating func onInstanceReady(_ instance: RunningInstance, now: Instant) -> [Action] {
        guard let index = index(of: instance.id) else { return [] }
        switch instances[index].phase {
        case .starting:
            instances[index].phase = .ready(instance, inFlight: 0, idleSince: now)
            return settle(now: now)
        case .ended(let reason): return lose(index, reason: reason, now: now)
        case .ready, .stopping: return []
        }
    }

    /// A start failed; nothing of the instance is left.
    mutating func onStartFailed(_ id: InstanceID, reason: String, now: Instant) -> [Action] {
        guard let index = index(of: id) else { return [] }
        switch instances[index].phase {
        case .starting, .ended: return lose(index, reason: reason, now: now)
        case .ready, .stopping: return []
        }
    }

    /// An instance ended by itself. One that is stopping has its own event for that, and one that is starting is kept
    /// until its start has been reported.
    mutating func onInstanceExited(_ id: InstanceID, reason: String, now: Instant) -> [Action] {
        guard let index = index(of: id) else { return [] }
        switch instances[index].phase {
        case .starting:
            instances[index].phase = .ended(reason: reason)
            return []
        case .ready: return lose(index, reason: reason, now: now)
        case .ended, .stopping: return []
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

    /// Takes over an instance that an earlier core started.
    /// - Returns: whether there is a place for it.
    mutating func onAdopt(_ instance: RunningInstance, now: Instant) -> Bool {
        guard !isDraining, !contains(instance.id), instances.count < settings.limits.maxInstances else { return false }
        instances.append((instance.id, .ready(instance, inFlight: 0, idleSince: now)))
        return true
    }

    // MARK: The pool

    /// The version is the one that answers, now or again.
    mutating func onOpen(now: Instant) -> [Action] {
        isDraining = false
        isDrained = false
        return settle(now: now)
    }

    /// Another version took over: what waits and runs is finished, nothing is kept.
    mutating func onDrain(now: Instant) -> [Action] {
        isDraining = true
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

    /// When `onTick` has something to do, unless another event comes first; `nil` when nothing waits for a time.
    func nextDue(after now: Instant) -> Instant? {
        var due = queue.first?.since.advanced(by: settings.queueWait) ?? .distantFuture
        let alive = aliveCount
        if let blocked = startsBlockedUntil, now < blocked, !queue.isEmpty || alive < wantedMinimum {
            due = min(due, blocked)
        }
        if queue.isEmpty, alive > wantedMinimum {
            let idle = Duration.seconds(settings.limits.idleSeconds)
            for case (_, .ready(_, inFlight: 0, let idleSince)) in instances {
                due = min(due, idleSince.advanced(by: idle))
            }
        }
        return due == .distantFuture ? nil : due
    }

    // MARK: Decisions

    /// Brings instances and requests together after anything has changed.
    private mutating func settle(now: Instant) -> [Action] {
        var actions: [Action] = []
        while let first = queue.first, let instance = takeRoom() {
            queue.removeFirst()
            actions.append(.assign(first.id, instance))
        }
        actions += startWhatIsNeeded(now: now)
        actions += stopWhatIsIdle(now: now)
        if isDraining, !isDrained, instances.isEmpty, queue.isEmpty {
            isDrained = true
            actions.append(.drained)
        }
        return actions
    }

    /// Takes a slot of the oldest instance that has one.
    private mutating func takeRoom() -> RunningInstance? {
        for index in instances.indices {
            guard case .ready(let instance, let inFlight, let idleSince) = instances[index].phase,
                inFlight < settings.limits.concurrency
            else { continue }
            instances[index].phase = .ready(instance, inFlight: inFlight + 1, idleSince: idleSince)
            return instance
        }
        return nil
    }

    private mutating func startWhatIsNeeded(now: Instant) -> [Action] {
        // One that ended while it started still counts: until its report is in, it is not replaced.
        let starting = instances.count { $0.phase.isStarting }
        let forQueue = (queue.count + settings.limits.concurrency - 1) / settings.limits.concurrency - starting
        let forMinimum = wantedMinimum - aliveCount
        var wanted = min(max(forQueue, forMinimum), settings.limits.maxInstances - instances.count)
        if failures > 0 {
            // After a failure one start at a time shows whether it is over.
            if let blocked = startsBlockedUntil, now < blocked, !queue.contains(where: \.failsFast) { return [] }
            wanted = min(wanted, starting == 0 ? 1 : 0)
        }
        guard wanted > 0 else { return [] }
        return (0..<wanted).map { _ in
            let id = InstanceID(version: version, ordinal: nextOrdinal)
            nextOrdinal &+= 1
            instances.append((id, .starting))
            return .start(id)
        }
    }

    private mutating func stopWhatIsIdle(now: Instant) -> [Action] {
        guard queue.isEmpty else { return [] }
        let idle = Duration.seconds(settings.limits.idleSeconds)
        var kept = aliveCount
        var actions: [Action] = []
        // The youngest first: requests are packed onto the oldest.
        for index in instances.indices.reversed() {
            guard case .ready(let instance, inFlight: 0, let idleSince) = instances[index].phase else { continue }
            let isOver = kept > settings.limits.minInstances && idleSince.advanced(by: idle) <= now
            guard isDraining || isOver else { continue }
            instances[index].phase = .stopping
            kept -= 1
            actions.append(.stop(instance.id))
        }
        return actions
    }

    private var wantedMinimum: Int { isDraining ? 0 : settings.limits.minInstances }

    /// Instances that answer or will.
    private var aliveCount: Int { instances.count { $0.phase != .stopping } }

    private func index(of id: InstanceID) -> Int? { instances.firstIndex { $0.id == id } }

    // MARK: Failures

    private mutating func countFailure(_ reason: String, now: Instant) -> [Action] {
        failures += 1
        lastFailure = reason
        let backoff = min(settings.firstBackoff * (1 << min(failures - 1, 16)), settings.longestBackoff)
        startsBlockedUntil = now.advanced(by: backoff)
        let isOpen = failures >= settings.failuresToOpen && inFlightCount == 0
        let turnedAway = queue.filter { isOpen || $0.failsFast }
        queue.removeAll { isOpen || $0.failsFast }
        return turnedAway.map { .reject($0.id, .failing(reason, retryAfter: backoff)) }
    }

    private mutating func forgetFailures() {
        failures = 0
        startsBlockedUntil = nil
    }

    private func openCircuit(now: Instant) -> Rejection? {
        guard failures >= settings.failuresToOpen, let blocked = startsBlockedUntil, now < blocked else { return nil }
        return .failing(lastFailure, retryAfter: now.duration(to: blocked))
    }
}
