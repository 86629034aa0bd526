/// Follows a log by reading behind its own cursor whenever it is woken, so that a slow reader costs no memory and loses
/// nothing but what has been rotated away.
package actor LogFollower {
    private let wakeups: AsyncStream<Void>
    private let filter: LogFilter
    private let read: @Sendable (LogCursor?) async -> (entries: [LogEntry], cursor: LogCursor?)
    private var cursor: LogCursor?
    private var pending: ArraySlice<LogEntry> = []

    private init(
        wakeups: AsyncStream<Void>, after cursor: LogCursor?, matching filter: LogFilter,
        read: @escaping @Sendable (LogCursor?) async -> (entries: [LogEntry], cursor: LogCursor?)
    ) {
        self.wakeups = wakeups
        self.filter = filter
        self.cursor = cursor
        self.read = read
    }

    /// The entries behind the cursor and then each new one, until the reading task is cancelled.
    /// - Parameters:
    ///   - wakeups: one element, at least, after each append; elements may be merged.
    ///   - after: where to start; `nil` is handed to `read`, which then says where the log ended when the following
    ///     began.
    ///   - filter: what others there are is passed over.
    ///   - read: a bounded number of entries behind a cursor, oldest first, and the cursor to go on from.
    package static func entries(
        wakeups: AsyncStream<Void>, after cursor: LogCursor?, matching filter: LogFilter,
        read: @escaping @Sendable (LogCursor?) async -> (entries: [LogEntry], cursor: LogCursor?)
    ) -> AsyncStream<LogEntry> {
        let follower = LogFollower(wakeups: wakeups, after: cursor, matching: filter, read: read)
        return AsyncStream { await follower.next() }
    }

    private func next() async -> LogEntry? {
        while !Task.isCancelled {
            while let entry = pending.popFirst() {
                if filter.matches(entry.line) { return entry }
            }
            let batch = await read(cursor)
            cursor = batch.cursor
            pending = batch.entries[...]
            if pending.isEmpty, await !isWoken() { return nil }
        }
        return nil
    }

    private func isWoken() async -> Bool {
        for await _ in wakeups { return true }
        return false
    }
}

extension [LogEntry] {
    /// The newest of those that a filter matches, oldest first. It looks from the end on, and lets others run between two
    /// lines: one may be long.
    /// - Parameter limit: at most so many.
    package func newest(_ limit: Int, matching filter: LogFilter) async -> [LogEntry] {
        guard filter != .all else { return suffix(limit) }
        var found: [LogEntry] = []
        for entry in reversed() where found.count < limit {
            if filter.matches(entry.line) { found.append(entry) }
            await Task.yield()
        }
        return found.reversed()
    }
}
