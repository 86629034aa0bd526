import Invok

/// When a link to Redis is opened, which command a reply belongs to, and who is told that it is lost: the decisions,
/// without their effects.
///
/// While there is no link commands are refused at once; only before the first try has ended they wait for it.
struct RedisLinkMachine: Sendable {
    typealias Command = UInt64

    struct Limits: Hashable, Sendable {
        /// The most commands without a reply, and how long each may be without one.
        var pending = 10_000
        var timeout = Duration.seconds(1)
        /// Between tries to open the link: doubled from the first to the last.
        var firstRetry = Duration.milliseconds(50)
        var lastRetry = Duration.seconds(1)
    }

    /// What the link's thread does next.
    enum Step: Hashable, Sendable {
        case open
        /// There is no link; look again then.
        case rest(until: Instant)
        /// Move bytes until then.
        case serve(until: Instant)
        case end
    }

    /// What follows from the loss of a link, or from one that did not come about.
    struct Loss: Hashable, Sendable {
        /// They get no reply.
        let failed: [Command]
        /// Whether it was there, or was to be there for the first time: worth a line in the log.
        let isNews: Bool
    }

    private enum Phase: Hashable {
        case opening(isFirst: Bool)
        case serving
        case resting(until: Instant)
        case ended
    }

    private struct Pending: Hashable {
        let command: Command
        let deadline: Instant
    }

    /// How long the thread waits for bytes when nobody waits for a reply.
    static let longestWait = Duration.seconds(3600)

    private let limits: Limits
    private var phase = Phase.opening(isFirst: true)
    private var pending: [Pending] = []
    /// Of `pending`, those already answered: taken off together, so that each costs little.
    private var answered = 0
    private var failures = 0

    init(limits: Limits = Limits()) { self.limits = limits }

    var pendingCount: Int { pending.count - answered }

    /// Somebody wants to send a command.
    /// - Returns: whether it may be sent. Replies come in the order of the commands.
    mutating func onCommand(_ command: Command, now: Instant) -> Bool {
        guard pendingCount < limits.pending else { return false }
        switch phase {
        case .opening(isFirst: true), .serving:
            pending.append(Pending(command: command, deadline: now.advanced(by: limits.timeout)))
            return true
        case .opening(isFirst: false), .resting, .ended: return false
        }
    }

    /// The link is there.
    /// - Returns: whether it had been lost before.
    mutating func onOpened(now: Instant) -> Bool {
        guard case .opening(let isFirst) = phase else { return false }
        phase = .serving
        failures = 0
        // Those that waited for the opening have their time from now on.
        pending = pending.map { Pending(command: $0.command, deadline: now.advanced(by: limits.timeout)) }
        return !isFirst
    }

    /// The link could not be opened, or is there no more.
    mutating func onLost(now: Instant) -> Loss {
        var isNews = false
        switch phase {
        case .opening(let isFirst): isNews = isFirst
        case .serving: isNews = true
        case .resting, .ended: break
        }
        let delay = min(limits.lastRetry, limits.firstRetry * (1 << min(failures, 16)))
        failures += 1
        if phase != .ended { phase = .resting(until: now.advanced(by: delay)) }
        return Loss(failed: takePending(), isNews: isNews)
    }

    /// - Returns: the command that the next reply belongs to; `nil` when nobody asked for one.
    mutating func onReply() -> Command? {
        guard answered < pending.count else { return nil }
        let command = pending[answered].command
        answered += 1
        if answered == pending.count || answered >= 1024 {
            pending.removeFirst(answered)
            answered = 0
        }
        return command
    }

    /// Whether the server has let a command wait for too long: then the link is as good as lost.
    func isOverdue(now: Instant) -> Bool {
        guard phase == .serving, answered < pending.count else { return false }
        return pending[answered].deadline <= now
    }

    /// No more commands.
    /// - Returns: those that get no reply.
    mutating func onClose() -> [Command] {
        phase = .ended
        return takePending()
    }

    /// What the thread does now.
    mutating func next(now: Instant) -> Step {
        switch phase {
        case .opening: return .open
        case .serving:
            let first = answered < pending.count ? pending[answered].deadline : now.advanced(by: Self.longestWait)
            return .serve(until: first)
        case .resting(let until):
            guard until <= now else { return .rest(until: until) }
            phase = .opening(isFirst: false)
            return .open
        case .ended: return .end
        }
    }

    private mutating func takePending() -> [Command] {
        let commands = pending[answered...].map(\.command)
        (pending, answered) = ([], 0)
        return commands
    }
}
