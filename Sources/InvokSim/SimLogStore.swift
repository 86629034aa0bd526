public import Invok
import InvokConcurrency
import Synchronization

/// Logs in memory, capped to a number of lines each.
public final class SimLogStore: LogStore {
    private struct Log: Sendable {
        var last: UInt64 = 0
        var entries: [LogEntry] = []

        mutating func append(_ lines: [LogLine]) {
            for line in lines {
                last += 1
                entries.append(LogEntry(cursor: LogCursor(sequence: last), line: line.capped))
            }
        }
    }

    private let logs = Mutex<[FunctionKey: Log]>([:])
    private let wakeups = Broadcast<FunctionKey, Void>(buffer: 1)
    private let maximumLines: Int
    private let effects: SimEffects

    /// - Parameter maximumLines: what one function's log keeps.
    public init(maximumLines: Int = 10_000, effects: SimEffects = SimEffects()) {
        self.maximumLines = maximumLines
        self.effects = effects
    }

    private func effect<Value: Sendable>(
        _ name: String, _ function: FunctionKey, torn: (inout Log) -> Void = { _ in }, _ body: (inout Log) -> Value
    ) async throws(LogError) -> Value {
        try await effects.perform(
            "logs.\(name)", "\(function)", failure: LogError.unavailable,
            torn: { logs.withLock { torn(&$0[function, default: Log()]) } }
        ) { () throws(LogError) in logs.withLock { body(&$0[function, default: Log()]) } }
    }

    public func append(_ lines: [LogLine], to function: FunctionKey) async throws(LogError) {
        try await effect("append", function, torn: { $0.append(lines.prefix(1).map(Self.torn)) }) { log in
            log.append(lines)
            log.entries.removeFirst(max(0, log.entries.count - maximumLines))
        }
        wakeups.send((), on: function)
    }

    /// What is left of a line that was not written to its end.
    private static func torn(_ line: LogLine) -> LogLine {
        LogLine(
            time: line.time, source: line.source, instance: line.instance,
            text: String(line.text.prefix(line.text.count / 2)))
    }

    public func lines(
        of function: FunctionKey, since: Timestamp?, limit: Int, matching filter: LogFilter
    ) async throws(LogError) -> [LogEntry] {
        try await effect("lines", function) { log in
            log.entries.filter { entry in
                (since.map { entry.line.time >= $0 } ?? true) && filter.matches(entry.line)
            }.suffix(max(0, limit))
        }
    }

    public func follow(
        _ function: FunctionKey, after: LogCursor?, matching filter: LogFilter
    ) -> AsyncStream<LogEntry> {
        let wakeups = wakeups.messages(on: function)
        let start = after ?? LogCursor(sequence: logs.withLock { $0[function]?.last ?? 0 })
        return LogFollower.entries(wakeups: wakeups, after: start, matching: filter) { [weak self] cursor in
            self?.entries(of: function, after: cursor ?? start) ?? ([], cursor)
        }
    }

    private func entries(of function: FunctionKey, after cursor: LogCursor) -> ([LogEntry], LogCursor?) {
        let entries = logs.withLock { logs in
            // Sequences grow by one, so the place of a cursor follows from the last one.
            let log = logs[function] ?? Log()
            return Array(log.entries.suffix(log.last > cursor.sequence ? Int(log.last - cursor.sequence) : 0))
        }
        return (entries, entries.last?.cursor ?? cursor)
    }

    public func functions() async throws(LogError) -> Set<FunctionKey> {
        try await effects.perform("logs.functions", failure: LogError.unavailable) { () throws(LogError) in kept }
    }

    /// The functions that have a log now.
    package var kept: Set<FunctionKey> { logs.withLock { Set($0.filter { !$0.value.entries.isEmpty }.keys) } }

    /// Removes the lines and keeps the sequence, so that no cursor comes twice.
    public func remove(_ function: FunctionKey) async throws(LogError) {
        try await effect("remove", function) { $0.entries = [] }
    }
}
