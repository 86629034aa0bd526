import Invok

/// How long a client may take.
package struct ClientLimits: Sendable {
    /// From the connection to its first byte.
    package var firstByte: Duration
    /// Between an answer and the next request's first byte.
    package var idle: Duration
    /// From a head's first byte to its last.
    package var head: Duration
    /// One pause in a body.
    package var pause: Duration
    /// All of a body, as far as it is the client that is waited for.
    package var body: Duration
    /// The least rate of a body in all, in bytes a second; 0 for none. The first `pause` is free.
    package var leastRate: Int

    package init(
        firstByte: Duration, idle: Duration, head: Duration, pause: Duration, body: Duration, leastRate: Int
    ) {
        self.firstByte = firstByte
        self.idle = idle
        self.head = head
        self.pause = pause
        self.body = body
        self.leastRate = leastRate
    }
}

extension ClientLimits {
    /// The same for a request to a function, whose author decides what is slow.
    package func of(_ function: Limits) -> ClientLimits {
        var limits = self
        limits.pause = .seconds(function.pauseSeconds)
        limits.body = .seconds(function.streamSeconds)
        limits.leastRate = 0
        return limits
    }
}

/// When a client has kept the server waiting for too long: a state machine, a watchdog of one connection.
///
/// Only the time in which the server waits for the client counts: not while an answer is made, and not while nobody reads a
/// body.
struct ClientDeadlines {
    private enum Phase {
        /// Nothing of the first request has come.
        case opened
        case idle
        case head
        case body(Body)
        /// It is the server's turn.
        case answering
    }

    private struct Body {
        var limits: ClientLimits
        var bytes = 0
        var waited = Duration.zero
        var waitingSince: Duration?
        /// The client waits to be told to go on.
        var isHeldBack: Bool
    }

    private let limits: ClientLimits
    private var phase = Phase.opened
    private var since: Duration
    private var unanswered = 0

    /// - Parameter now: on any clock that only goes forward.
    init(_ limits: ClientLimits, now: Duration) {
        self.limits = limits
        since = now
    }

    /// When the client will have taken too long if nothing comes; `nil` while nobody waits for it.
    var deadline: Duration? {
        switch phase {
        case .opened: return since + limits.firstByte
        case .idle: return since + limits.idle
        case .head: return since + limits.head
        case .body(let body):
            guard let start = body.waitingSince, !body.isHeldBack else { return nil }
            var left = min(body.limits.pause, body.limits.body - body.waited)
            if body.limits.leastRate > 0 {
                left = min(
                    left, body.limits.pause + .seconds(Double(body.bytes) / Double(body.limits.leastRate)) - body.waited
                )
            }
            return start + left
        case .answering: return nil
        }
    }

    /// Bytes have come, whatever they are.
    mutating func onBytes(now: Duration) {
        switch phase {
        case .opened, .idle:
            phase = .head
            since = now
        case .head, .body, .answering: break
        }
    }

    /// A head is whole.
    /// - Parameters:
    ///   - limits: of its body.
    ///   - waits: whether the client waits to be told to go on (`Expect: 100-continue`).
    mutating func onHead(_ limits: ClientLimits, waits: Bool) {
        unanswered += 1
        phase = .body(Body(limits: limits, isHeldBack: waits))
    }

    /// More of the body is wanted.
    mutating func onRead(now: Duration) {
        guard case .body(var body) = phase, body.waitingSince == nil else { return }
        body.waitingSince = now
        phase = .body(body)
    }

    mutating func onBody(_ bytes: Int, now: Duration) {
        guard case .body(var body) = phase else { return }
        body.bytes += bytes
        if let start = body.waitingSince { body.waited += now - start }
        body.waitingSince = nil
        body.isHeldBack = false
        phase = .body(body)
    }

    /// The client was told to go on.
    mutating func onContinue(now: Duration) {
        guard case .body(var body) = phase, body.isHeldBack else { return }
        body.isHeldBack = false
        if body.waitingSince != nil { body.waitingSince = now }
        phase = .body(body)
    }

    /// The request is whole.
    mutating func onEnd(now: Duration) {
        phase = .answering
        restIfAnswered(now)
    }

    /// An answer is whole.
    /// - Returns: whether no request is left.
    @discardableResult
    mutating func onAnswered(now: Duration) -> Bool {
        unanswered -= 1
        if case .body = phase { return false }
        restIfAnswered(now)
        return unanswered == 0
    }

    private mutating func restIfAnswered(_ now: Duration) {
        guard unanswered <= 0 else { return }
        phase = .idle
        since = now
    }
}
