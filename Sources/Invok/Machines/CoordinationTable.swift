/// Counters and leases that expire: what a `CoordinationCache` in memory knows.
///
/// Bounded: when it is full, what has expired goes first, then the counters that have counted least, and of these the ones
/// that would expire soonest. Keys come from outside (addresses, emails), so nobody may grow it at will, nor get rid of
/// a counter that has reached a limit by a flood of others.
package struct CoordinationTable: Sendable {
    private struct Counter: Sendable {
        var count: Int
        let expiry: Instant
    }

    private struct Lease: Sendable {
        let holder: String
        let expiry: Instant
    }

    private let capacity: Int
    private var counters: [String: Counter] = [:]
    private var leases: [String: Lease] = [:]

    /// - Parameter capacity: the most counters, and the most leases, that are kept.
    package init(capacity: Int = 100_000) {
        self.capacity = max(capacity, 4)
    }

    /// How many entries there are, expired ones that nothing has swept yet included.
    package var count: Int { counters.count + leases.count }

    /// Adds to a counter; see `CoordinationCache.increment`.
    package mutating func increment(
        _ key: String, by amount: Int = 1, window: Duration, now: Instant
    ) -> CounterReading {
        if var counter = counters[key], counter.expiry > now {
            counter.count += amount
            counters[key] = counter
            return CounterReading(count: counter.count, remaining: now.duration(to: counter.expiry))
        }
        if counters[key] == nil { makeRoomForCounter(now: now) }
        let counter = Counter(count: amount, expiry: now.advanced(by: window))
        counters[key] = counter
        return CounterReading(count: amount, remaining: window)
    }

    /// Takes or extends a lease; see `CoordinationCache.acquireLease`.
    /// - Returns: whether the holder has it now: also `false` when there is no room for another lease.
    package mutating func acquireLease(_ key: String, holder: String, duration: Duration, now: Instant) -> Bool {
        if let lease = leases[key], lease.expiry > now, lease.holder != holder { return false }
        if leases[key] == nil, leases.count >= capacity {
            leases = leases.filter { $0.value.expiry > now }
            guard leases.count < capacity else { return false }
        }
        leases[key] = Lease(holder: holder, expiry: now.advanced(by: duration))
        return true
    }

    /// Gives a lease back; see `CoordinationCache.releaseLease`.
    package mutating func releaseLease(_ key: String, holder: String) {
        if leases[key]?.holder == holder { leases[key] = nil }
    }

    /// Whether anybody has the lease.
    package func isLeased(_ key: String, now: Instant) -> Bool {
        leases[key].map { $0.expiry > now } ?? false
    }

    /// A quarter goes at a time, so that the sweep costs little for each new key even under a flood of them.
    private mutating func makeRoomForCounter(now: Instant) {
        guard counters.count >= capacity else { return }
        counters = counters.filter { $0.value.expiry > now }
        guard counters.count > capacity * 3 / 4 else { return }
        let least = counters.sorted { left, right in
            (left.value.count, left.value.expiry, left.key) < (right.value.count, right.value.expiry, right.key)
        }
        for (key, _) in least.prefix(counters.count - capacity * 3 / 4) { counters[key] = nil }
    }
}
