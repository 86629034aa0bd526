/// Reads functions' logs.
public final class FunctionLogs: Sendable {
    public static let maximumLines = 10_000

    private let world: World
    private let functions: Functions

    init(world: World, functions: Functions) {
        self.world = world
        self.functions = functions
    }

    /// The last lines, oldest first.
    /// - Parameters:
    ///   - limit: at most so many, and never more than `maximumLines`.
    ///   - filter: only lines that it matches.
    public func recent(
        of key: FunctionKey, since: Timestamp?, limit: Int, matching filter: LogFilter = .all, as principal: Principal
    ) async throws(InvokError) -> [LogEntry] {
        _ = try await functions.function(key, as: principal)
        return try await lines(of: key, since: since, limit: limit, matching: filter)
    }

    /// The last lines, and then each new one, until the task is cancelled.
    /// - Parameters:
    ///   - after: goes on behind this line instead, whatever `since` and `limit` say.
    ///   - filter: only lines that it matches.
    public func follow(
        _ key: FunctionKey, since: Timestamp?, after: LogCursor?, limit: Int, matching filter: LogFilter = .all,
        as principal: Principal
    ) async throws(InvokError) -> LogFollowing {
        _ = try await functions.function(key, as: principal)
        if let after {
            return LogFollowing(backlog: [], live: world.logs.follow(key, after: after, matching: filter))
        }
        // The end first, for a backlog without lines. Else it goes on behind the backlog's last, so that what comes
        // between the two reads is neither lost nor doubled.
        let end = try await lines(of: key, since: nil, limit: 1, matching: .all).last?.cursor ?? LogCursor(sequence: 0)
        let backlog = try await lines(of: key, since: since, limit: limit, matching: filter)
        let start = max(end, backlog.last?.cursor ?? end)
        return LogFollowing(backlog: backlog, live: world.logs.follow(key, after: start, matching: filter))
    }

    private func lines(
        of key: FunctionKey, since: Timestamp?, limit: Int, matching filter: LogFilter
    ) async throws(InvokError) -> [LogEntry] {
        do throws(LogError) {
            return try await world.logs.lines(
                of: key, since: since, limit: min(max(limit, 0), Self.maximumLines), matching: filter)
        } catch {
            throw InvokError(error)
        }
    }
}

/// Lines that are there, followed by lines as they come.
public struct LogFollowing: AsyncSequence, Sendable {
    let backlog: [LogEntry]
    let live: AsyncStream<LogEntry>

    public struct AsyncIterator: AsyncIteratorProtocol {
        var backlog: ArraySlice<LogEntry>
        var live: AsyncStream<LogEntry>.Iterator

        public mutating func next(isolation actor: isolated (any Actor)? = #isolation) async -> LogEntry? {
            if let entry = backlog.popFirst() { return entry }
            return await live.next(isolation: actor)
        }
    }

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(backlog: backlog[...], live: live.makeAsyncIterator())
    }
}
