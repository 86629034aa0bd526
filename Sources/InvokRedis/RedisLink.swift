import Foundation
import Invok
import Logging
import Synchronization

/// A connection to Redis that mends itself, with the thread that serves it: commands of many tasks go out together, and
/// their replies come back in order.
final class RedisLink: Sendable {
    /// What arrives.
    enum Mode: Sendable {
        /// One reply for each command.
        case replies
        /// Messages, as they come, once the commands that `subscriptions` returns have been sent.
        case messages(subscriptions: @Sendable () -> [[String]], onMessage: @Sendable (RedisReply) -> Void)
    }

    private struct State {
        var machine: RedisLinkMachine
        var lastCommand: RedisLinkMachine.Command = 0
        var outgoing: [[String]] = []
        var waiting: [RedisLinkMachine.Command: @Sendable (Result<RedisReply, CacheError>) -> Void] = [:]
        var failure = RedisFailure("not connected yet")
    }

    /// How often a link that only receives is asked whether it lives.
    private static let pingInterval = Duration.seconds(10)
    private static let openTimeoutSeconds = 2

    private let target: RedisTarget
    private let mode: Mode
    private let clock: any Clock
    private let logger: Logger
    private let state: Mutex<State>
    private let wakeUp: WakeUp

    init(
        _ target: RedisTarget, mode: Mode, limits: RedisLinkMachine.Limits = .init(), clock: any Clock, logger: Logger
    ) throws(RedisFailure) {
        self.target = target
        self.mode = mode
        self.clock = clock
        self.logger = logger
        state = Mutex(State(machine: RedisLinkMachine(limits: limits)))
        wakeUp = try WakeUp()
        // Its own, since it waits for the socket. It has the link only while it does something, so that a link that
        // nobody has any more ends it.
        let wakeUp = wakeUp
        Thread.detachNewThread { [weak self] in Self.serve(wakeUp) { self } }
    }

    deinit { wakeUp.signal() }

    /// Why there is no link, when there is none.
    var failure: RedisFailure { state.withLock { $0.failure } }

    /// Sends a command and returns its reply.
    /// - Throws: `unavailable` at once when there is no link; after a lost one the command may have been done.
    func send(_ command: [String]) async throws(CacheError) -> RedisReply {
        let result: Result<RedisReply, CacheError> = await withCheckedContinuation { continuation in
            let now = clock.now()
            let refusal = state.withLock { state -> CacheError? in
                state.lastCommand += 1
                guard state.machine.onCommand(state.lastCommand, now: now) else {
                    return .unavailable("Redis: \(state.failure)")
                }
                state.waiting[state.lastCommand] = { continuation.resume(returning: $0) }
                state.outgoing.append(command)
                return nil
            }
            if let refusal { continuation.resume(returning: .failure(refusal)) } else { wakeUp.signal() }
        }
        return try result.get()
    }

    /// Sends a command whose answer comes as a message. Without a link it is dropped: `subscriptions` will tell it.
    func tell(_ command: [String]) {
        state.withLock { $0.outgoing.append(command) }
        wakeUp.signal()
    }

    /// Ends the link. Every later command throws.
    func close() {
        let failed = state.withLock { state in
            state.failure = RedisFailure("the cache is closed")
            return Self.take(state.machine.onClose(), &state)
        }
        for fail in failed { fail(.failure(CacheError.unavailable("Redis: the cache is closed"))) }
        wakeUp.signal()
    }

    // MARK: The thread

    private static func serve(_ wakeUp: WakeUp, link: () -> RedisLink?) {
        WakeUp.ignoreBrokenPipes()
        var connection: RedisConnection?
        var lastHeard = ContinuousClock.now
        var lastPing = lastHeard
        while true {
            // Nothing of the link is held while the thread waits.
            guard let step = link()?.nextStep() else { return }
            do throws(RedisFailure) {
                switch step {
                case .end: return
                case .rest(let until):
                    connection = nil
                    wakeUp.wait(nil, wantsToWrite: false, for: link()?.duration(to: until) ?? .zero)
                case .open:
                    connection = nil
                    connection = try link()?.open()
                    (lastHeard, lastPing) = (.now, .now)
                case .serve(let until):
                    guard let connection else { throw RedisFailure("there is no connection") }
                    try link()?.write(to: connection)
                    let wait = min(pingInterval, link()?.duration(to: until) ?? .zero)
                    if wakeUp.wait(connection.descriptor, wantsToWrite: connection.hasOutput, for: wait) {
                        try connection.read()
                        lastHeard = .now
                    }
                    while let reply = try connection.nextReply() { link()?.received(reply) }
                    try link()?.checkTime(lastHeard, &lastPing, connection)
                }
            } catch {
                connection = nil
                link()?.lost(error)
            }
        }
    }

    private func nextStep() -> RedisLinkMachine.Step {
        let now = clock.now()
        return state.withLock { $0.machine.next(now: now) }
    }

    private func duration(to instant: Instant) -> Duration { max(.zero, clock.now().duration(to: instant)) }

    private func open() throws(RedisFailure) -> RedisConnection {
        let connection = try RedisConnection(target, timeoutSeconds: Self.openTimeoutSeconds)
        if case .messages(let subscriptions, _) = mode {
            state.withLock { $0.outgoing = [] }
            for command in subscriptions() { try connection.append(command) }
        }
        let now = clock.now()
        let isBack = state.withLock { $0.machine.onOpened(now: now) }
        if isBack { logger.notice("Redis can be reached again", metadata: ["server": "\(target)"]) }
        return connection
    }

    private func write(to connection: RedisConnection) throws(RedisFailure) {
        let commands = state.withLock { state in
            defer { state.outgoing = [] }
            return state.outgoing
        }
        for command in commands { try connection.append(command) }
        if connection.hasOutput { try connection.write() }
    }

    private func received(_ reply: RedisReply) {
        if case .messages(_, let onMessage) = mode { return onMessage(reply) }
        let answer = state.withLock { state in
            state.machine.onReply().flatMap { state.waiting.removeValue(forKey: $0) }
        }
        answer?(.success(reply))
    }

    /// A server that says nothing any more is taken for lost.
    private func checkTime(
        _ lastHeard: ContinuousClock.Instant, _ lastPing: inout ContinuousClock.Instant,
        _ connection: RedisConnection
    ) throws(RedisFailure) {
        let now = clock.now()
        var isSilent = state.withLock { $0.machine.isOverdue(now: now) }
        if case .messages = mode { isSilent = isSilent || lastHeard.duration(to: .now) > Self.pingInterval * 2 }
        guard !isSilent else { throw RedisFailure("it did not answer in time") }
        guard case .messages = mode, lastPing.duration(to: .now) >= Self.pingInterval else { return }
        lastPing = .now
        try connection.append(["PING"])
    }

    private func lost(_ failure: RedisFailure) {
        let now = clock.now()
        let (loss, failed) = state.withLock { state in
            state.failure = failure
            let loss = state.machine.onLost(now: now)
            state.outgoing = []
            return (loss, Self.take(loss.failed, &state))
        }
        if loss.isNews {
            logger.warning("Redis cannot be reached", metadata: ["server": "\(target)", "reason": "\(failure)"])
        }
        for fail in failed { fail(.failure(CacheError.unavailable("Redis: \(failure)"))) }
    }

    private static func take(
        _ commands: [RedisLinkMachine.Command], _ state: inout State
    ) -> [@Sendable (Result<RedisReply, CacheError>) -> Void] {
        commands.compactMap { state.waiting.removeValue(forKey: $0) }
    }
}
