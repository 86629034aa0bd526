import Dispatch
import Invok
import Logging
import Synchronization

/// A bounded number of sessions, each with a thread of its own while it works: libpq waits in its thread, and a session
/// serves one request at a time anyhow.
final class ConnectionPool: Sendable {
    /// What runs on a session, or is told why it does not. What it returns tells the caller, once the session is free.
    private typealias Job = @Sendable (Result<PostgresConnection, PostgresError>) -> @Sendable () -> Void

    /// A session and its thread.
    ///
    /// Unchecked: the session is touched on the queue only.
    private final class Slot: @unchecked Sendable {
        let queue: DispatchQueue
        var connection: PostgresConnection?

        init(_ number: Int) { queue = DispatchQueue(label: "invok.postgres.\(number)") }
    }

    private struct State {
        var machine: ConnectionPoolMachine
        var jobs: [ConnectionPoolMachine.Request: Job] = [:]
        var slots: [ConnectionPoolMachine.Connection: Slot] = [:]
        var lastRequest: ConnectionPoolMachine.Request = 0
        /// Why the server could not be reached last time.
        var failure = PostgresError.closed
    }

    private let target: PostgresTarget
    private let statementTimeout: Duration
    private let clock: any Clock
    private let logger: Logger
    private let state: Mutex<State>
    private let timers = DispatchQueue(label: "invok.postgres.timers")

    /// - Parameter statementTimeout: how long one statement may take.
    init(
        _ target: PostgresTarget, limits: ConnectionPoolMachine.Limits = .init(), statementTimeout: Duration,
        clock: any Clock, logger: Logger
    ) {
        self.target = target
        self.statementTimeout = statementTimeout
        self.clock = clock
        self.logger = logger
        state = Mutex(State(machine: ConnectionPoolMachine(limits: limits)))
    }

    deinit { close() }

    /// Runs the work on a session, in that session's thread. It is not cut off by a cancelled task.
    func run<Value: Sendable>(
        _ work: @escaping @Sendable (PostgresConnection) -> Value
    ) async throws(PostgresError) -> Value {
        let result: Result<Value, PostgresError> = await withCheckedContinuation { continuation in
            submit { session in
                let result = session.map(work)
                return { continuation.resume(returning: result) }
            }
        }
        return try result.get()
    }

    /// Ends the sessions once their work is done. Every later call throws `closed`.
    func close() { advance { $0.machine.onClose() } }

    private func submit(_ job: @escaping Job) {
        let now = clock.now()
        advance { state in
            state.lastRequest += 1
            state.jobs[state.lastRequest] = job
            return state.machine.onRequest(state.lastRequest, now: now)
        }
    }

    // MARK: Effects

    private func advance(_ event: (inout State) -> [ConnectionPoolMachine.Action]) {
        // What the machine decided, with what is needed to do it, so that the doing needs no lock.
        let steps = state.withLock { state in event(&state).compactMap { step($0, &state) } }
        for step in steps { step() }
    }

    private func step(_ action: ConnectionPoolMachine.Action, _ state: inout State) -> (@Sendable () -> Void)? {
        switch action {
        case .open(let connection):
            let slot = Slot(connection)
            state.slots[connection] = slot
            return { [self] in slot.queue.async { self.open(connection, slot) } }
        case .run(let request, let connection):
            guard let slot = state.slots[connection], let job = state.jobs.removeValue(forKey: request) else {
                return nil
            }
            return { [self] in slot.queue.async { self.run(job, on: connection, slot) } }
        case .refuse(let request, let refusal):
            guard let job = state.jobs.removeValue(forKey: request) else { return nil }
            let error = Self.error(refusal, state.failure)
            return { job(.failure(error))() }
        case .close(let connection):
            guard let slot = state.slots.removeValue(forKey: connection) else { return nil }
            return { slot.queue.async { slot.connection = nil } }
        case .wake(let instant):
            let delay = max(0, clock.now().duration(to: instant).wholeNanoseconds)
            return { [weak self, timers] in
                timers.asyncAfter(deadline: .now() + .nanoseconds(Int(delay))) { [weak self] in self?.wake() }
            }
        case .report(let isReachable):
            let failure = state.failure
            return { [self] in report(isReachable, failure) }
        }
    }

    private func wake() {
        let now = clock.now()
        advance { $0.machine.onTime(now: now) }
    }

    private func open(_ connection: ConnectionPoolMachine.Connection, _ slot: Slot) {
        do throws(PostgresError) {
            slot.connection = try PostgresConnection(target, statementTimeout: statementTimeout)
            let now = clock.now()
            advance { $0.machine.onOpened(connection, now: now) }
        } catch {
            let now = clock.now()
            advance { state in
                state.slots[connection] = nil
                state.failure = error
                return state.machine.onOpenFailed(connection, now: now)
            }
        }
    }

    private func run(_ job: Job, on connection: ConnectionPoolMachine.Connection, _ slot: Slot) {
        guard let session = slot.connection else { return job(.failure(.closed))() }
        let tell = job(.success(session))
        let (isUsable, now) = (session.isUsable, clock.now())
        advance { $0.machine.onFinished(connection, isUsable: isUsable, now: now) }
        tell()
    }

    private func report(_ isReachable: Bool, _ failure: PostgresError) {
        if isReachable {
            logger.notice("PostgreSQL can be reached again", metadata: ["server": "\(target)"])
        } else {
            logger.error(
                "PostgreSQL cannot be reached; warm functions go on",
                metadata: ["server": "\(target)", "reason": "\(failure)"])
        }
    }

    private static func error(_ refusal: ConnectionPoolMachine.Refusal, _ failure: PostgresError) -> PostgresError {
        switch refusal {
        case .unreachable: failure
        case .tooMany: .busy
        case .closed: .closed
        }
    }
}
