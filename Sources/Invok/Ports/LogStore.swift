/// The logs of functions: appended, capped and rotated, the oldest lines going first.
public protocol LogStore: Sendable {
    func append(_ lines: [LogLine], to function: FunctionKey) async throws(LogError)
    /// The last lines, oldest first.
    /// - Parameters:
    ///   - since: only lines of that time or later.
    ///   - limit: at most so many, the newest.
    ///   - filter: only lines that it matches. They are looked for in the whole log.
    func lines(
        of function: FunctionKey, since: Timestamp?, limit: Int, matching filter: LogFilter
    ) async throws(LogError) -> [LogEntry]
    /// The lines behind a cursor, oldest first, and then each new one as it comes, until the task is cancelled. A
    /// cursor that has been rotated away starts at the oldest line there is.
    /// - Parameters:
    ///   - after: `nil` for new lines only.
    ///   - filter: only lines that it matches.
    func follow(_ function: FunctionKey, after: LogCursor?, matching filter: LogFilter) -> AsyncStream<LogEntry>
    /// The functions that have a log.
    func functions() async throws(LogError) -> Set<FunctionKey>
    /// Removes a function's log.
    func remove(_ function: FunctionKey) async throws(LogError)
}

extension LogStore {
    /// The last lines of all, oldest first.
    public func lines(of function: FunctionKey, since: Timestamp?, limit: Int) async throws(LogError) -> [LogEntry] {
        try await lines(of: function, since: since, limit: limit, matching: .all)
    }

    /// All lines behind a cursor, and then each new one.
    public func follow(_ function: FunctionKey, after: LogCursor?) -> AsyncStream<LogEntry> {
        follow(function, after: after, matching: .all)
    }
}

public enum LogError: Error, Hashable, Sendable {
    case unavailable(String)
    case full
}
