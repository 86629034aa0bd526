/// Follows a log by reading behind its own cursor whenever it is woken, so that a slow reader costs no memory and loses
/// nothing but what has been rotated away.
package actor LogFollower {
    private let wakeups: AsyncStream<Void>
    private let read: @Sendable (LogCursor?) async -> (entries: [LogEntry], cursor: LogCursor?)
    private var cursor: LogCursor?
    private var pending: ArraySlice<LogEntry> = []

    private init(
        wakeups: AsyncStream<Void>, after cursor: LogCursor?,
        read: @escaping @Sendable (LogCursor?) async -> (entries: [LogEntry], cursor: LogCursor?)
    ) {
        self.wakeups = wakeups
        self.cursor = cursor
        self.read = read
    }

    /// The entries behind the cursor and then each new one, until the reading task is cancelled.
    /// - Parameters:
    ///   - wakeups: one element, at least, after each append; elements may be merged.
    ///   - after: where to start; `nil` is handed to `read`, which then says where the log ended when the following
    ///     began.
    ///   - read: a bounded number of entries behind a cursor, oldest first, and the cursor to go on from.
    package static func entries(
        wakeups: AsyncStream<Void>, after cursor: LogCursor?,
        read: @escaping @Sendable (LogCursor?) async -> (entries: [LogEntry], cursor: LogCursor?)
    ) -> AsyncStream<LogEntry> {
        let follower = LogFollower(wakeups: wakeups, after: cursor, read: read)
        return AsyncStream { await follower.next() }
    }

    private func next() async -> LogEntry? {
        while !Task.isCancelled {
            if let entry = pending.popFirst() { return entry }
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

extension LogLine {
    /// The line with its text cut to `maximumBytes`, between two Unicode scalars.
    package var capped: LogLine {
        guard text.utf8.count > Self.maximumBytes else { return self }
        var end = text.utf8.index(text.startIndex, offsetBy: Self.maximumBytes)
        while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
        return LogLine(time: time, source: source, instance: instance, text: String(text[..<end]))
    }
}
