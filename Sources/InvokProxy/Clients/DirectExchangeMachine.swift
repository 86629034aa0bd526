import Invok

/// A request to an instance and its answer, on the client's own event loop: when more is asked of either side, whether the
/// request may be tried elsewhere, and how the exchange ends.
///
/// A machine: events in, one action out, if any. It sees no bytes, only that there are some: its driver passes them on.
struct DirectExchangeMachine: Sendable {
    enum Action: Hashable, Sendable {
        /// Asks the client for more of the body.
        case readBody
        /// The client does not take more for now, or does again.
        case holdAnswer, readAnswer
        /// Closes the instance's connection, once it has all that was sent. Both sides of a tunnel have ended.
        case closeTunnel
        case end(Ending)
    }

    enum Ending: Hashable, Sendable {
        /// The answer is whole.
        case answered
        /// The function has seen nothing of the request, or bears it twice; the client has seen nothing of an answer.
        case elsewhere(InstancePool.Outcome)
        case failed(TransportError)
        case expired(AnswerDeadlines.Expiry)
        /// The time of a tunnel is over.
        case tunnelExpired
        case clientGone

        /// What it says of the instance.
        var outcome: InstancePool.Outcome {
            switch self {
            case .answered: .answered
            case .elsewhere(let outcome): outcome
            case .failed: .broken
            case .expired: .timedOut
            case .tunnelExpired, .clientGone: .abandoned
            }
        }
    }

    private var deadlines: AnswerDeadlines
    /// Whether the connection has carried an exchange before, so that the instance may have closed it just then.
    private var isReused = false
    private(set) var isSent = false
    private var isBodyTouched = false
    private var waitsForInstance = false
    private(set) var isAnswered = false
    private var isHeld = false
    /// The function has taken an upgrade: bytes go both ways until both sides have ended their sending.
    private(set) var isTunnel = false
    private var hasClientEnded = false
    private var hasInstanceEnded = false
    private(set) var hasEnded = false

    init(_ limits: Limits, now: Instant) {
        deadlines = AnswerDeadlines(limits, now: now)
    }

    /// When the time will be over if nothing happens.
    var due: Instant? { hasEnded ? nil : deadlines.due }

    // MARK: The instance

    mutating func onConnectFailed(isExhaustion: Bool) -> Action? { end(.elsewhere(isExhaustion ? .unsent : .refused)) }

    /// There is a connection, and the head of the request is sent on it.
    mutating func onConnected(isReused: Bool, hasBody: Bool) -> Action? {
        guard !hasEnded else { return nil }
        self.isReused = isReused
        isSent = true
        guard hasBody else { return nil }
        return readBody()
    }

    /// The system takes more of the request again.
    mutating func onInstanceWritable(now: Instant) -> Action? {
        guard waitsForInstance, !hasEnded else { return nil }
        waitsForInstance = false
        return readBody()
    }

    /// No more of an answer will come.
    /// - Parameters:
    ///   - isClosed: whether the connection was closed, and not by what came on it.
    ///   - isIdempotent: whether doing the request twice is the same as doing it once (RFC 9110 §9.2.2).
    mutating func onInstanceFailed(_ reason: String, isClosed: Bool, isIdempotent: Bool) -> Action? {
        if hasInstanceEnded { return end(.answered) }
        let mayBeRepeated = isReused && isClosed && !isAnswered && !isBodyTouched && isIdempotent
        return end(mayBeRepeated ? .elsewhere(.unsent) : .failed(.broken(reason)))
    }

    // MARK: The request

    private mutating func readBody() -> Action {
        isBodyTouched = true
        deadlines.onRead()
        return .readBody
    }

    /// Bytes of the body have come and are given to the instance's system.
    /// - Parameters:
    ///   - isLast: whether the request ends with them.
    ///   - isTaken: whether it takes more at once.
    mutating func onBody(isLast: Bool, isTaken: Bool, now: Instant) -> Action? {
        deadlines.onRequestBytes(now: now)
        guard !hasEnded else { return nil }
        guard !isLast else {
            hasClientEnded = isTunnel
            return isTunnel && hasInstanceEnded ? .closeTunnel : nil
        }
        if isTaken { return readBody() }
        waitsForInstance = true
        return nil
    }

    /// The client will not send the rest. Whoever ends a tunnel behind the instance has all that was sent for it.
    mutating func onClientGone() -> Action? { end(hasInstanceEnded ? .answered : .clientGone) }

    // MARK: The answer

    /// The head, or bytes of the body, are given to the client's system.
    /// - Parameter isTaken: whether it takes more at once.
    mutating func onAnswer(isTaken: Bool, now: Instant) -> Action? {
        guard !hasEnded else { return nil }
        isAnswered = true
        deadlines.onAnswer()
        guard !isTaken else {
            deadlines.onTaken(now: now)
            return nil
        }
        guard !isHeld else { return nil }
        isHeld = true
        return .holdAnswer
    }

    mutating func onClientWritable(now: Instant) -> Action? {
        guard isHeld, !hasEnded else { return nil }
        isHeld = false
        deadlines.onTaken(now: now)
        return .readAnswer
    }

    mutating func onAnswerEnd() -> Action? {
        guard isTunnel else { return end(.answered) }
        guard !hasEnded else { return nil }
        hasInstanceEnded = true
        return hasClientEnded ? .closeTunnel : nil
    }

    /// The head was one that takes the upgrade, and is given to the client's system.
    mutating func onUpgraded(now: Instant) -> Action? {
        guard !hasEnded else { return nil }
        isAnswered = true
        isTunnel = true
        deadlines.onUpgraded(now: now)
        return readBody()
    }

    // MARK: Time

    mutating func onTime(now: Instant) -> Action? {
        guard !hasEnded, let expiry = deadlines.expiry(now: now) else { return nil }
        return end(isTunnel ? .tunnelExpired : .expired(expiry))
    }

    private mutating func end(_ ending: Ending) -> Action? {
        guard !hasEnded else { return nil }
        hasEnded = true
        return .end(ending)
    }
}
