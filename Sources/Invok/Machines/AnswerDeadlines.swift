/// When a function has taken too long for one request: a watchdog, as a pure state machine.
///
/// Only the function's turns count: not while it waits for the client to send more, nor while the client takes what it has
/// got. The time for all of it counts whoever is waited for. In a tunnel every pause counts.
package struct AnswerDeadlines: Sendable {
    /// What was waited for when the time was over.
    package enum Expiry: Hashable, Sendable { case head, pause, stream }

    /// In nanoseconds: a `Duration` is divided anew each time that it is added to an instant.
    private let timeout: Int64
    private let pause: Int64
    private let end: Instant
    /// When the function's turn began.
    private var since: Instant
    private var hasHead = false
    /// The client is waited for: to send, to take.
    private var isReading = false
    private var isWriting = false
    /// The function has taken an upgrade: nobody can tell whose turn it is.
    private var isTunnel = false

    package init(_ limits: Limits, now: Instant) {
        timeout = Self.nanoseconds(limits.timeoutSeconds)
        pause = Self.nanoseconds(limits.pauseSeconds)
        end = Instant(nanoseconds: now.nanoseconds + Self.nanoseconds(limits.streamSeconds))
        since = now
    }

    /// More of the request's body is wanted.
    package mutating func onRead() { isReading = true }

    /// It has come, or the body has ended.
    package mutating func onRequestBytes(now: Instant) {
        isReading = false
        since = now
    }

    /// The function has answered by a head or a part of its body, which the client has not taken yet.
    package mutating func onAnswer() {
        hasHead = true
        isWriting = true
    }

    /// The client has taken it.
    package mutating func onTaken(now: Instant) {
        isWriting = false
        since = now
    }

    /// The function has taken an upgrade: from then on bytes of either side end a pause.
    package mutating func onUpgraded(now: Instant) {
        hasHead = true
        isTunnel = true
        since = now
    }

    /// When the time will be over if nothing happens.
    package var due: Instant {
        (isReading || isWriting) && !isTunnel
            ? end : min(end, Instant(nanoseconds: since.nanoseconds + (hasHead ? pause : timeout)))
    }

    /// What is over, or `nil` while nothing is.
    package func expiry(now: Instant) -> Expiry? {
        guard now >= due else { return nil }
        if now >= end { return .stream }
        return hasHead ? .pause : .head
    }

    /// When to ask for the expiry again. A turn that begins until then ends no earlier.
    func nextLook(now: Instant) -> Instant { min(due, Instant(nanoseconds: now.nanoseconds + min(pause, timeout))) }

    private static func nanoseconds(_ seconds: Int) -> Int64 { Int64(seconds) * 1_000_000_000 }
}
