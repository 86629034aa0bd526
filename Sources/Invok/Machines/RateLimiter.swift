/// A token bucket for each key, as the generic cell rate algorithm keeps it (GCRA, ITU-T I.371 A): one point in time
/// for each, when its bucket is full again.
///
/// A machine. A bucket holds as many as may be taken in a period, and begins full; so that none is kept without need, one
/// that is full again is forgotten.
struct RateLimiter<Key: Hashable & Sendable>: Sendable {
    private var fullAt: [Key: Instant] = [:]
    private let capacity: Int

    /// - Parameter capacity: keys that are remembered; beyond them those that are full next are forgotten.
    init(capacity: Int) { self.capacity = max(1, capacity) }

    /// How many keys are remembered.
    var count: Int { fullAt.count }

    /// Takes one, if there is one.
    /// - Parameters:
    ///   - limit: how many may be taken in a period; 0 for none at all.
    ///   - period: more than 0.
    /// - Returns: `nil` if it was taken, and otherwise in how long there is one.
    mutating func take(_ key: Key, limit: Int, per period: Duration, now: Instant) -> Duration? {
        guard limit > 0 else { return period }
        let nanoseconds = period.wholeNanoseconds
        let step = Duration.nanoseconds(max(1, nanoseconds / Int64(clamping: limit)))
        let next = max(fullAt[key] ?? now, now).advanced(by: step)
        let early = now.duration(to: next)
        guard early <= period else { return early - period }
        if fullAt[key] == nil { makeRoom(now) }
        fullAt[key] = next
        return nil
    }

    private mutating func makeRoom(_ now: Instant) {
        guard fullAt.count >= capacity else { return }
        fullAt = fullAt.filter { $0.value > now }
        // A quarter at once, so that this is seldom done.
        guard fullAt.count >= capacity - capacity / 4 else { return }
        let median = fullAt.values.sorted()[capacity / 4]
        fullAt = fullAt.filter { $0.value > median }
    }
}
