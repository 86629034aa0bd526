import Dispatch
public import Invok
public import Logging
import Synchronization

/// Keeps cores from sharing a database without sharing a Redis: they would not hear of each other's deploys, and would
/// count attempts apart. A core with Redis holds an advisory lock of the database shared, one without it exclusively.
///
/// The lock is that of a session of its own, which is looked after as long as the core runs. When the session is lost,
/// the lock goes too, and is taken again once the server is back. Should another core have it by then, both serve on,
/// since functions that answer are worth more than order, and the log says so.
public final class PostgresCoreLock: Sendable {
    public enum Mode: Sendable {
        /// For a core that has Redis.
        case shared
        /// For one that has none.
        case exclusive
    }

    /// The session, which is touched on the queue only.
    private final class Session: @unchecked Sendable {
        var connection: PostgresConnection?
        var isClosed = false
    }

    /// How long another core may take to end before this one gives up.
    static let patience = Duration.seconds(5)

    private let target: PostgresTarget
    private let mode: Mode
    private let interval: Duration
    private let logger: Logger
    private let queue = DispatchQueue(label: "invok.postgres.core")
    private let session = Session()
    private let held = Atomic(false)

    private init(_ target: PostgresTarget, _ mode: Mode, interval: Duration, logger: Logger) {
        self.target = target
        self.mode = mode
        self.interval = interval
        self.logger = logger
    }

    /// Takes the lock, waiting a little for a core that is just ending.
    /// - Parameter interval: how often to look whether the session is still there.
    /// - Throws: `conflict` with the next step when another core serves that this one may not run beside; `unavailable`
    ///   as `PostgresMetadataStore.open`.
    public static func take(
        _ target: PostgresTarget, _ mode: Mode, interval: Duration = .seconds(2), logger: Logger
    ) async throws(InvokError) -> PostgresCoreLock {
        try await take(target, mode, patience: patience, interval: interval, logger: logger)
    }

    static func take(
        _ target: PostgresTarget, _ mode: Mode, patience: Duration, interval: Duration, logger: Logger
    ) async throws(InvokError) -> PostgresCoreLock {
        let lock = PostgresCoreLock(target, mode, interval: interval, logger: logger)
        let failure = await withCheckedContinuation { continuation in
            lock.queue.async { continuation.resume(returning: lock.begin(patience)) }
        }
        if let failure { throw failure }
        return lock
    }

    /// Whether the lock is this core's now.
    var isHeld: Bool { held.load(ordering: .relaxed) }

    /// Gives the lock back.
    public func close() {
        queue.async { [session] in
            session.isClosed = true
            session.connection = nil
        }
    }

    // MARK: On the queue

    private func begin(_ patience: Duration) -> InvokError? {
        do throws(PostgresError) {
            // The session's limits end the wait for the lock.
            let connection = try PostgresConnection(target, statementTimeout: patience)
            try connection.execute(mode.wait)
            session.connection = connection
        } catch .refused(.lockNotAvailable, _), .refused(.queryCanceled, _) {
            return conflict
        } catch {
            return PostgresSchema.startError(error, target)
        }
        held.store(true, ordering: .relaxed)
        lookLater()
        return nil
    }

    private func lookLater() {
        queue.asyncAfter(deadline: .now() + .nanoseconds(Int(interval.wholeNanoseconds))) { [weak self] in
            self?.look()
        }
    }

    private func look() {
        guard !session.isClosed else { return }
        do throws(PostgresError) {
            if let connection = session.connection, connection.isUsable, isHeld {
                try connection.execute("SELECT 1")
            } else {
                try takeAgain()
            }
        } catch {
            // That the server is away is said by those who need it.
            session.connection = nil
        }
        lookLater()
    }

    private func takeAgain() throws(PostgresError) {
        if session.connection?.isUsable != true {
            session.connection = nil
            session.connection = try PostgresConnection(target, statementTimeout: Self.patience)
        }
        let wasHeld = isHeld
        let isHeld = try session.connection?.execute(mode.attempt).first?.boolean("held") ?? false
        held.store(isHeld, ordering: .relaxed)
        if wasHeld, !isHeld {
            logger.critical(
                "another core has taken the database meanwhile; both serve, and neither hears of the other's deploys",
                metadata: ["server": "\(target)", "next": "\(conflict.nextStep ?? "")"])
        } else if !wasHeld, isHeld {
            logger.notice("no other core is in the way any more", metadata: ["server": "\(target)"])
        }
    }

    private var conflict: InvokError {
        switch mode {
        case .shared:
            InvokError(
                .conflict, "another core, which has no Redis, serves from the PostgreSQL database \(target)",
                nextStep: "set REDIS_URL for that core too, to the same server, or stop it")
        case .exclusive:
            InvokError(
                .conflict, "another core serves from the PostgreSQL database \(target), and this one has no Redis",
                nextStep: "set the same REDIS_URL for every core of a database, or stop the other one")
        }
    }
}

extension PostgresCoreLock.Mode {
    fileprivate var wait: Statement {
        switch self {
        case .shared: "SELECT pg_advisory_lock_shared(hashtextextended('invok core ' || current_schema(), 0))"
        case .exclusive: "SELECT pg_advisory_lock(hashtextextended('invok core ' || current_schema(), 0))"
        }
    }

    fileprivate var attempt: Statement {
        switch self {
        case .shared:
            "SELECT pg_try_advisory_lock_shared(hashtextextended('invok core ' || current_schema(), 0)) AS held"
        case .exclusive: "SELECT pg_try_advisory_lock(hashtextextended('invok core ' || current_schema(), 0)) AS held"
        }
    }
}
