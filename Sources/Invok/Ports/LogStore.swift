/// The logs of functions: appended, capped and rotated, the oldest lines going first.
public protocol LogStore: Sendable {
    func append(_ lines: [LogLine], to function: FunctionKey) async throws(LogError)
    /// The last lines, oldest first.
    /// - Parameters:
    ///   - since: only lines of that time or later.
    ///   - limit: at most so many, the newest.
    func lines(of function: FunctionKey, since: Timestamp?, limit: Int) async throws(LogError) -> [LogEntry]
    /// The lines behind a cursor, oldest first, and then each new one as it comes, until the task is cancelled. A
    /// cursor that has been rotated away starts at the oldest line there is.
    /// - Parameter after: `nil` for new lines only.
    func follow(_ function: FunctionKey, after: LogCursor?) -> AsyncStream<LogEntry>
    /// The functions that have a log.
    func functions() async throws(LogError) -> Set<FunctionKey>
    /// Removes a function's log.
    func remove(_ function: FunctionKey) async throws(LogError)
}

public enum LogError: Error, Hashable, Sendable {
    case unavailable(String)
    case full
}
