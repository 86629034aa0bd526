/// When a function has taken too long for one request: a watchdog, as a pure state machine.
///
/// Only the function's turns count: not while it waits for the client to send more, nor while the client takes what it has
/// got. The time for all of it counts whoever is waited for.
struct AnswerDeadlines {
    /// What was waited for when the time was over.
    enum Expiry: Hashable, Sendable { case head, pause, stream }

    private let timeout: Duration
    private let pause: Duration
    private let end: Instant
    /// When the function's turn began.
    private var since: Instant
    private var hasHead = false
    /// The client is waited for: to send, to take.
    private var isReading = false
    private var isWriting = false

    init(_ limits: Limits, now: Instant) {
        timeout = .seconds(limits.timeoutSeconds)
        pause = .seconds(limits.pauseSeconds)
        end = now.advanced(by: .seconds(limits.streamSeconds))
        since = now
    }

    /// More of the request's body is wanted.
    mutating func onRead() { isReading = true }

    /// It has come, or the body has ended.
    mutating func onRequestBytes(now: Instant) {
        isReading = false
        since = now
    }

    /// The function has answered by a head or a part of its body, which the client has not taken yet.
    mutating func onAnswer() {
        hasHead = true
        isWriting = true
    }

    /// The client has taken it.
    mutating func onTaken(now: Instant) {
        isWriting = false
        since = now
    }

    /// When the time will be over if nothing happens.
    private var due: Instant {
        isReading || isWriting ? end : min(end, since.advanced(by: hasHead ? pause : timeout))
    }

    /// What is over, or `nil` while nothing is.
    func expiry(now: Instant) -> Expiry? {
        guard now >= due else { return nil }
        if now >= end { return .stream }
        return hasHead ? .pause : .head
    }

    /// When to ask for the expiry again. A turn that begins until then ends no earlier.
    func nextLook(now: Instant) -> Instant { min(due, now.advanced(by: min(pause, timeout))) }
}
