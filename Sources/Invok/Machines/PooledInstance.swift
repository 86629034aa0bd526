/// One instance of an `InstancePool`: where it stands in its life, and the requests that it works on.
struct PooledInstance: Sendable {
    /// `waiting` → `starting` → `running` → `stopping`, or `starting` → `ended`; then it is gone from the pool.
    enum Lifecycle: Hashable, Sendable {
        /// For its turn to start.
        case waiting
        case starting
        /// It ended by itself before its start was reported; what the report brings is gone already.
        case ended(reason: String)
        case running(RunningInstance, Standing)
        case stopping
    }

    /// Whether a running instance gets requests: `found` → `trusted` ⇄ `suspect` → `leaving`.
    enum Standing: Hashable, Sendable {
        /// Left by an earlier core: none until it has answered its readiness check, which has been asked for.
        case found
        case trusted
        /// In quarantine: none until it has answered its readiness check, which has been asked for.
        case suspect
        /// Drained, to be replaced: it stops as soon as nobody waits for it.
        /// - Parameter isHung: whether it would not hear of a graceful stop.
        case leaving(isHung: Bool)
    }

    let id: InstanceID
    /// Of the pool when its start was begun.
    var generation: Int
    var lifecycle: Lifecycle
    /// Requests whose callers wait for the answer.
    private var awaited: Set<InstancePool.RequestID> = []
    /// Requests that it has done with, though the caller has not said how they ended.
    private var over: Set<InstancePool.RequestID> = []
    /// Requests for which nobody waits any more, and that it works on: they take a place all the same.
    private var unattended: [InstancePool.RequestID: Instant] = [:]
    /// Those of the requests that somebody waits for that are tunnels.
    private var tunnels: Set<InstancePool.RequestID> = []
    /// Since when it has been on its way out; `nil` while it is not.
    private var departingSince: Instant?
    /// When it was last done with a request, or became ready.
    var idleSince: Instant
    /// When its start was reported; `nil` for one that an earlier core started.
    var readySince: Instant?

    init(id: InstanceID, generation: Int, lifecycle: Lifecycle, idleSince: Instant) {
        self.id = id
        self.generation = generation
        self.lifecycle = lifecycle
        self.idleSince = idleSince
    }

    var running: RunningInstance? { if case .running(let instance, _) = lifecycle { instance } else { nil } }

    /// Whether its start has not been reported yet.
    var isStarting: Bool {
        switch lifecycle {
        case .waiting, .starting, .ended: true
        case .running, .stopping: false
        }
    }

    /// Whether it answers, or will: it counts for the minimum.
    var isAlive: Bool {
        switch lifecycle {
        case .waiting, .starting, .ended, .running(_, .found), .running(_, .trusted), .running(_, .suspect): true
        case .running(_, .leaving), .stopping: false
        }
    }

    /// Requests for which somebody waits.
    var awaitedCount: Int { awaited.count + over.count }

    /// Whether it works on nothing, for anybody.
    var isIdle: Bool { awaited.isEmpty && over.isEmpty && unattended.isEmpty }

    /// Whether it runs as it should: nothing about it waits for a time or an event but its idleness.
    var isSettled: Bool {
        if case .running(_, .trusted) = lifecycle { unattended.isEmpty } else { false }
    }

    /// When it need not wait any longer for those who wait for it; `nil` when they are not tunnels alone, or it stays.
    func tunnelsEnd(after limit: Duration) -> Instant? {
        guard !tunnels.isEmpty, tunnels.count == awaitedCount else { return nil }
        return departingSince?.advanced(by: limit)
    }

    /// Whether it may stop as far as those are concerned who wait for it.
    func mayStop(tunnelDrain: Duration, now: Instant) -> Bool {
        awaitedCount == 0 || tunnelsEnd(after: tunnelDrain).map { $0 <= now } ?? false
    }

    mutating func setDeparting(_ isDeparting: Bool, now: Instant) {
        departingSince = isDeparting ? departingSince ?? now : nil
    }

    /// Since when the oldest of the requests that nobody waits for has been going on; `nil` when there is none.
    var unattendedSince: Instant? { unattended.isEmpty ? nil : unattended.values.min() }

    /// Whether there is a place for one more request.
    func hasRoom(concurrency: Int) -> Bool { awaited.count + over.count + unattended.count < concurrency }

    mutating func take(_ request: InstancePool.RequestID) { awaited.insert(request) }

    /// The request has become a tunnel.
    mutating func upgrade(_ request: InstancePool.RequestID) {
        if awaited.contains(request) { tunnels.insert(request) }
    }

    /// Nobody waits for the request any more.
    /// - Parameter worksOn: whether the instance may not have done with it.
    /// - Returns: whether somebody waited.
    mutating func release(_ request: InstancePool.RequestID, worksOn: Bool, now: Instant) -> Bool {
        if !tunnels.isEmpty { tunnels.remove(request) }
        if awaited.remove(request) != nil {
            if worksOn { unattended[request] = now }
        } else if over.remove(request) == nil {
            return false
        }
        idleSince = now
        return true
    }

    /// It has done with a request that was cut short. The word of it may come before that of the request's end.
    /// - Returns: whether a place is free now.
    mutating func finish(_ request: InstancePool.RequestID, now: Instant) -> Bool {
        if awaited.remove(request) != nil {
            over.insert(request)
            return false
        }
        guard unattended.removeValue(forKey: request) != nil else { return false }
        idleSince = now
        return true
    }
}
