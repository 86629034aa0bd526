// What a pool decides once something has changed.
extension InstancePool {
    /// When `onTick` has something to do, unless another event comes first; `nil` when nothing waits for a time.
    func nextDue(after now: Instant) -> Instant? {
        var due = queue.first?.since.advanced(by: settings.queueWait) ?? .distantFuture
        let alive = aliveCount
        if let blocked = circuit.blockedUntil(now), !queue.isEmpty || missingCount > 0 { due = min(due, blocked) }
        let idle = queue.isEmpty && alive > wantedMinimum ? Duration.seconds(settings.limits.idleSeconds) : nil
        for instance in instances where instance.running != nil {
            if let end = instance.tunnelsEnd(after: settings.tunnelDrain) { due = min(due, end) }
            guard instance.isAlive else { continue }
            if let since = instance.unattendedSince {
                due = min(due, since.advanced(by: settings.unattendedLimit))
            } else if let idle, instance.isIdle {
                due = min(due, instance.idleSince.advanced(by: idle))
            }
        }
        return due == .distantFuture ? nil : due
    }

    // MARK: Decisions

    /// Brings instances and requests together after anything has changed.
    mutating func settle(now: Instant) -> [Action] {
        var actions: [Action] = []
        retireWhatIsOutdated()
        while let first = queue.first, let instance = takeRoom(for: first.id) {
            queue.removeFirst()
            actions.append(.assign(first.id, instance))
        }
        actions += replaceWhatIsStuck(now: now)
        for index in instances.indices {
            instances[index].setDeparting(lifecycle != .open || !instances[index].isAlive, now: now)
        }
        actions += stopWhatLeaves(now: now)
        actions += startWhatIsNeeded(now: now)
        actions += stopWhatIsIdle(now: now)
        if lifecycle == .draining, instances.isEmpty, queue.isEmpty {
            lifecycle = .drained
            actions.append(.drained)
        }
        return actions
    }

    /// Takes a place of the oldest instance that has one.
    mutating func takeRoom(for request: RequestID) -> RunningInstance? {
        for index in instances.indices {
            guard case .running(let instance, .trusted) = instances[index].lifecycle,
                instances[index].hasRoom(concurrency: settings.limits.concurrency)
            else { continue }
            instances[index].take(request)
            return instance
        }
        return nil
    }

    private mutating func startWhatIsNeeded(now: Instant) -> [Action] {
        let concurrency = settings.limits.concurrency
        // One that ended while it started still counts: until its report is in, it is not replaced.
        let starting = instances.count(where: \.isStarting)
        // A check takes a second at most, and mostly far less than a start.
        let checked = instances.count { instance in
            switch instance.lifecycle {
            case .running(_, .found), .running(_, .suspect): instance.hasRoom(concurrency: concurrency)
            case .running, .waiting, .starting, .ended, .stopping: false
            }
        }
        let forQueue = (queue.count + concurrency - 1) / concurrency - starting - checked
        let forMinimum = missingCount
        if max(forQueue, forMinimum) < 0 { return withdraw(-max(forQueue, forMinimum)) }
        var wanted = min(max(forQueue, forMinimum), roomForStarts)
        if circuit.isFailing {
            // After a failure one start at a time shows whether it is over.
            if circuit.blockedUntil(now) != nil, !queue.contains(where: \.failsFast) { return withdraw(.max) }
            if starting > 1 { return withdraw(starting - 1) }
            wanted = min(wanted, 1 - starting)
        }
        guard wanted > 0 else { return [] }
        return (0..<wanted).map { _ in
            let id = InstanceID(version: version, ordinal: nextOrdinal)
            nextOrdinal &+= 1
            instances.append(
                PooledInstance(id: id, generation: generation, lifecycle: .waiting, idleSince: now))
            return .start(id)
        }
    }

    /// Takes back starts whose turns have not come, the latest first.
    private mutating func withdraw(_ most: Int) -> [Action] {
        let ids = instances.reversed().filter { $0.lifecycle == .waiting }.prefix(most).map(\.id)
        instances.removeAll { ids.contains($0.id) }
        return ids.map(Action.withdraw)
    }

    private mutating func stopWhatIsIdle(now: Instant) -> [Action] {
        guard queue.isEmpty else { return [] }
        let idle = Duration.seconds(settings.limits.idleSeconds)
        var kept = aliveCount
        var actions: [Action] = []
        // The youngest first: requests are packed onto the oldest.
        for index in instances.indices.reversed() {
            let instance = instances[index]
            guard instance.isAlive, let running = instance.running,
                instance.mayStop(tunnelDrain: settings.tunnelDrain, now: now)
            else { continue }
            let isOver =
                kept > settings.limits.minInstances && instance.isIdle
                && instance.idleSince.advanced(by: idle) <= now
            guard lifecycle != .open || isOver else { continue }
            instances[index].lifecycle = .stopping
            kept -= 1
            actions.append(.stop(running.id))
        }
        return actions
    }

    // MARK: Restarts

    /// Whether the instance is to be replaced. One whose turn to start has not come will be of this generation.
    func isOutdated(_ instance: PooledInstance) -> Bool {
        instance.generation < generation && instance.lifecycle != .waiting
    }

    /// Once one that is not outdated takes requests, the others take no more.
    private mutating func retireWhatIsOutdated() {
        let hasSuccessor = instances.contains { instance in
            if case .running(_, .trusted) = instance.lifecycle { !isOutdated(instance) } else { false }
        }
        guard hasSuccessor else { return }
        for index in instances.indices where instances[index].isAlive && isOutdated(instances[index]) {
            guard let running = instances[index].running else { continue }
            instances[index].lifecycle = .running(running, .leaving(isHung: false))
        }
    }

    /// How many starts are lacking that no request waits for: of the minimum, and one in the place of what is outdated.
    /// Negative when there is more than that.
    private var missingCount: Int {
        let current = instances.count { $0.isAlive && !isOutdated($0) }
        let isReplacing = lifecycle == .open && instances.contains { $0.isAlive && isOutdated($0) }
        return max(wantedMinimum, isReplacing ? 1 : 0) - current
    }

    /// How many may be started. While some are outdated there may be one more than the limit, so that what runs goes on until
    /// its successor is ready.
    private var roomForStarts: Int {
        let most = settings.limits.maxInstances
        let current = instances.count { !isOutdated($0) }
        guard current < instances.count else { return most - current }
        return min(most - current, most + 1 - instances.count)
    }

    /// Whether no instance goes for being idle.
    var isAtMinimum: Bool { aliveCount <= wantedMinimum }

    private var wantedMinimum: Int { lifecycle == .open ? settings.limits.minInstances : 0 }

    private var aliveCount: Int { instances.count(where: \.isAlive) }

    func index(of id: InstanceID) -> Int? { instances.firstIndex { $0.id == id } }

    // MARK: Replacing

    /// What works on for nobody for too long would hold its place for ever.
    private mutating func replaceWhatIsStuck(now: Instant) -> [Action] {
        var actions: [Action] = []
        for index in instances.indices where instances[index].isAlive {
            guard let running = instances[index].running, let since = instances[index].unattendedSince,
                since.advanced(by: settings.unattendedLimit) <= now
            else { continue }
            instances[index].lifecycle = .running(running, .leaving(isHung: false))
            let seconds = settings.unattendedLimit.components.seconds
            actions.append(
                .note(running.id, "instance replaced: it still works on a request that ended \(seconds) s ago"))
        }
        return actions
    }

    /// Takes the instance out: no requests from now on.
    mutating func condemn(_ index: Int, isHung: Bool, _ reason: String, now: Instant) -> [Action] {
        guard case .running(let running, let standing) = instances[index].lifecycle, instances[index].isAlive else {
            return []
        }
        instances[index].lifecycle = .running(running, .leaving(isHung: isHung))
        let note = Action.note(running.id, "instance replaced: \(reason)")
        // What an earlier core was ending, or had half made, says nothing of the version.
        return standing == .found ? [note] : [note] + countFailure(reason, ofStart: false, now: now)
    }

    private mutating func stopWhatLeaves(now: Instant) -> [Action] {
        var actions: [Action] = []
        for index in instances.indices {
            guard case .running(let running, .leaving(let isHung)) = instances[index].lifecycle,
                instances[index].mayStop(tunnelDrain: settings.tunnelDrain, now: now)
            else { continue }
            instances[index].lifecycle = .stopping
            actions.append(isHung ? .kill(running.id) : .stop(running.id))
        }
        return actions
    }

    // MARK: Failures

    /// - Parameter ofStart: whether those who wait for the first start hear of it.
    mutating func countFailure(_ reason: String, ofStart: Bool = true, now: Instant) -> [Action] {
        let backoff = circuit.fail(reason, now: now)
        let isOpen = circuit.hasFailed(times: settings.failuresToOpen) && inFlightCount == 0
        let turnedAway = queue.filter { $0.failsFast ? ofStart : isOpen }
        queue.removeAll { $0.failsFast ? ofStart : isOpen }
        return turnedAway.map { .reject($0.id, .failing(reason, retryAfter: backoff)) }
    }

    func openCircuit(now: Instant) -> Rejection? {
        guard circuit.hasFailed(times: settings.failuresToOpen), case .failing(_, let reason, let retryAt) = circuit,
            now < retryAt
        else { return nil }
        return .failing(reason, retryAfter: now.duration(to: retryAt))
    }
}
