import CPostgres

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One session with a server. Its calls wait in their thread, each with a deadline of its own, so it belongs to one
/// thread at a time and must not be used from tasks.
///
/// libpq is driven without blocking inside: a server that stops answering without closing costs the deadline, no more.
final class PostgresConnection {
    /// How much longer than the server's own limit a statement is waited for: the server's answer is the better one.
    static let grace = Duration.seconds(5)

    private let handle: OpaquePointer
    private let statementTimeout: Duration
    private var prepared: [Statement: String] = [:]
    private var isSpoiled = false

    /// Opens a session.
    /// - Parameter statementTimeout: how long one statement may take.
    /// - Throws: `notConnected`.
    init(_ target: PostgresTarget, statementTimeout: Duration) throws(PostgresError) {
        self.statementTimeout = statementTimeout
        handle = try Self.connect(target)
        PQsetNoticeReceiver(handle, { _, _ in }, nil)
        guard PQsetnonblocking(handle, 1) == 0 else { throw .notConnected(nil, errorMessage) }
        do throws(PostgresError) {
            let milliseconds = "\(statementTimeout / .milliseconds(1))".prefix { $0 != "." }
            _ = try execute(
                """
                SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $1, false),
                    set_config('idle_in_transaction_session_timeout', $1, false)
                """, [.text(String(milliseconds))])
        } catch {
            throw .notConnected(nil, error.description)
        }
    }

    deinit { PQfinish(handle) }

    /// Whether another statement may be sent.
    var isUsable: Bool { !isSpoiled && PQstatus(handle) == CONNECTION_OK }

    /// Runs one statement, prepared when it is first used.
    /// - Parameter binary: whether the rows come in binary, which only `bytes` can read.
    /// - Throws: `refused`; `lost`; `unusable` when a parameter cannot be sent, and then nothing was.
    @discardableResult
    func execute(
        _ statement: Statement, _ parameters: [Parameter] = [], binary: Bool = false
    ) throws(PostgresError) -> ResultRows {
        let values = try EncodedParameters(parameters)
        let name = try prepare(statement)
        let isSent = values.withPointers { pointers, lengths, formats in
            PQsendQueryPrepared(handle, name, Int32(values.count), pointers, lengths, formats, binary ? 1 : 0) == 1
        }
        return try answer(isSent)
    }

    /// Runs statements that take no parameters, one after the other: a migration's, or `BEGIN` and the like. The time
    /// that they take is not limited here.
    @discardableResult
    func run(_ script: Statement, isLimited: Bool = true) throws(PostgresError) -> ResultRows {
        try answer(PQsendQuery(handle, script.sql) == 1, isLimited: isLimited)
    }

    private func prepare(_ statement: Statement) throws(PostgresError) -> String {
        if let name = prepared[statement] { return name }
        let name = "invok_\(prepared.count)"
        try answer(PQsendPrepare(handle, name, statement.sql, 0, nil) == 1)
        prepared[statement] = name
        return name
    }

    // MARK: Waiting

    /// Reads all that belongs to what was sent.
    @discardableResult
    private func answer(_ isSent: Bool, isLimited: Bool = true) throws(PostgresError) -> ResultRows {
        guard isSent else { throw lose(errorMessage) }
        let deadline = isLimited ? ContinuousClock.now + statementTimeout + Self.grace : nil
        try flush(until: deadline)
        var last: ResultRows?
        var failure: PostgresError?
        while let result = try nextResult(until: deadline) {
            switch PQresultStatus(result) {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK: last = ResultRows(owning: result)
            default:
                failure = failure ?? Self.failure(result)
                PQclear(result)
            }
        }
        if case .refused(let state, let message)? = failure {
            if state.spoilsSession { isSpoiled = true }
            throw state.endsSession ? .lost(message) : .refused(state, message)
        }
        guard PQstatus(handle) == CONNECTION_OK else { throw lose(errorMessage) }
        guard let last else { throw lose("the server sent no result") }
        return last
    }

    private func flush(until deadline: ContinuousClock.Instant?) throws(PostgresError) {
        while true {
            switch PQflush(handle) {
            case 0: return
            case 1:
                // The server may have something to say before it reads on.
                try wait(for: Int16(POLLOUT | POLLIN), until: deadline)
                guard PQconsumeInput(handle) == 1 else { throw lose(errorMessage) }
            default: throw lose(errorMessage)
            }
        }
    }

    private func nextResult(until deadline: ContinuousClock.Instant?) throws(PostgresError) -> OpaquePointer? {
        while PQisBusy(handle) == 1 {
            try wait(for: Int16(POLLIN), until: deadline)
            guard PQconsumeInput(handle) == 1 else { throw lose(errorMessage) }
        }
        return PQgetResult(handle)
    }

    private func wait(for events: Int16, until deadline: ContinuousClock.Instant?) throws(PostgresError) {
        guard Self.poll(PQsocket(handle), events, until: deadline) else { throw lose("it did not answer in time") }
    }

    private func lose(_ reason: String) -> PostgresError {
        isSpoiled = true
        return .lost(reason)
    }

    private var errorMessage: String { Self.message(of: handle) }

    /// - Returns: whether something happened on the socket before the deadline.
    private static func poll(_ socket: Int32, _ events: Int16, until deadline: ContinuousClock.Instant?) -> Bool {
        while true {
            var descriptor = pollfd(fd: socket, events: events, revents: 0)
            let left = deadline.map { max(.zero, ContinuousClock.now.duration(to: $0)) }
            let milliseconds = left.map { Int32(clamping: Int($0 / .milliseconds(1))) + 1 } ?? -1
            switch platformPoll(&descriptor, 1, milliseconds) {
            case 1...: return true
            case 0: return false
            default: guard errno == EINTR else { return false }
            }
        }
    }

    // MARK: Connecting

    private static func connect(_ target: PostgresTarget) throws(PostgresError) -> OpaquePointer {
        // Those before the URL are defaults; it wins over them, and those behind it win over it.
        let settings = [
            ("application_name", "invok-core"), ("target_session_attrs", "read-write"), ("tcp_user_timeout", "15000"),
            ("keepalives_idle", "15"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
            ("dbname", target.url), ("client_encoding", "UTF8"),
        ]
        let handle = withCStrings(settings.map(\.0)) { keywords in
            withCStrings(settings.map(\.1)) { values in PQconnectStartParams(keywords, values, 1) }
        }
        guard let handle else { throw .notConnected(nil, "out of memory") }
        // So that messages carry the server's SQLSTATE, which nothing else tells of a failed connection.
        PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
        let deadline = ContinuousClock.now + target.connectTimeout
        var status = PQstatus(handle) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING
        while status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING {
            let events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT
            guard poll(PQsocket(handle), Int16(events), until: deadline) else {
                PQfinish(handle)
                throw .notConnected(nil, "\(target) did not answer within \(target.connectTimeout)")
            }
            status = PQconnectPoll(handle)
        }
        guard status == PGRES_POLLING_OK else {
            let message = message(of: handle)
            PQfinish(handle)
            throw ConnectMessage(message).error
        }
        PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
        return handle
    }

    private static func message(of handle: OpaquePointer) -> String {
        let text = String(cString: PQerrorMessage(handle))
        return String(text.split(whereSeparator: \.isNewline).joined(separator: " "))
    }

    /// The state and the primary message of a failed statement: the detail behind it quotes values.
    private static func failure(_ result: OpaquePointer) -> PostgresError {
        func field(_ code: Character) -> String? {
            PQresultErrorField(result, Int32(code.asciiValue ?? 0)).map { String(cString: $0) }
        }
        return .refused(SQLState(field("C") ?? "XX000"), field("M") ?? "no message")
    }
}

/// `poll` by a name that no method here hides.
private func platformPoll(_ descriptors: UnsafeMutablePointer<pollfd>, _ count: nfds_t, _ timeout: Int32) -> Int32 {
    poll(descriptors, count, timeout)
}
