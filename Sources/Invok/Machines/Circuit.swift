/// A circuit breaker for the instances of one version: failures in a row make the next start wait ever longer, an answer
/// forgets them.
///
/// `closed` → `failing` with each failure → `closed` with an answer. While it is failing, one start at a time shows
/// whether that is over, and not before `retryAt`.
enum Circuit: Hashable, Sendable {
    case closed
    case failing(count: Int, reason: String, retryAt: Instant)

    static let firstBackoff = Duration.milliseconds(100)
    static let longestBackoff = Duration.seconds(30)

    /// - Returns: how long the next start waits.
    mutating func fail(_ reason: String, now: Instant) -> Duration {
        let before = if case .failing(let count, _, _) = self { count } else { 0 }
        let backoff = min(Self.firstBackoff * (1 << min(before, 16)), Self.longestBackoff)
        self = .failing(count: before + 1, reason: reason, retryAt: now.advanced(by: backoff))
        return backoff
    }

    var isFailing: Bool { self != .closed }

    /// When starts may be tried again; `nil` when they may now.
    func blockedUntil(_ now: Instant) -> Instant? {
        guard case .failing(_, _, let retryAt) = self, now < retryAt else { return nil }
        return retryAt
    }

    /// Whether so many failures came in a row.
    func hasFailed(times limit: Int) -> Bool {
        if case .failing(let count, _, _) = self { count >= limit } else { false }
    }
}
