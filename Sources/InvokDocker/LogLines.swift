import Invok

/// How much of an instance's output is in the log store already: all lines before a millisecond, and some of it.
///
/// The store keeps times in milliseconds, and a line is in it or not, so this is all it takes to go on behind the last
/// line without missing or repeating one, also when the core was killed in between.
struct LogMark: Hashable, Sendable {
    let milliseconds: Int64
    fileprivate(set) var lines: Int

    /// - Parameter entries: of the instance's function, oldest first.
    /// - Returns: `nil` when there is none of the instance's.
    static func last(of instance: InstanceID, in entries: [LogEntry]) -> LogMark? {
        let times = entries.filter { $0.line.instance == instance && $0.line.source != .platform }
            .map(\.line.time.millisecondsSinceEpoch)
        guard let last = times.last else { return nil }
        return LogMark(milliseconds: last, lines: times.count { $0 == last })
    }

    /// Counts a line that has been written.
    static func advanced(_ mark: LogMark?, by line: LogLine) -> LogMark {
        let time = line.time.millisecondsSinceEpoch
        guard var mark, mark.milliseconds == time else { return LogMark(milliseconds: time, lines: 1) }
        mark.lines += 1
        return mark
    }

    /// What the engine is asked for: `seconds.nanoseconds`.
    var since: String {
        let thousandths = milliseconds % 1000
        let padding = thousandths < 10 ? "00" : thousandths < 100 ? "0" : ""
        return "\(milliseconds / 1000).\(padding)\(thousandths)000000"
    }
}

/// Turns the frames of one container's log into the lines that are kept: bounded in length and in rate, by the time at
/// which they were printed, so that what a core reads late is not left out for coming all at once.
struct LogLines: Sendable {
    private let instance: InstanceID
    private var output: OutputLines?
    private var lastTime = Timestamp(millisecondsSinceEpoch: 0)
    private var skip: LogMark?

    /// - Parameter mark: where an earlier reader stopped.
    init(instance: InstanceID, after mark: LogMark?) {
        self.instance = instance
        skip = mark
    }

    /// Whether lines wait for the second to end.
    var isFlooded: Bool { output?.isFlooded == true }

    /// Takes a frame that starts with its time and a space.
    /// - Returns: the lines to write now.
    mutating func add(_ frame: LogFrames.Frame) -> [LogLine] {
        guard let space = frame.payload.firstIndex(of: UInt8(ascii: " ")),
            let nanoseconds = LogTime.nanoseconds(frame.payload[..<space])
        else { return [] }
        lastTime = Timestamp(millisecondsSinceEpoch: nanoseconds / 1_000_000)
        let now = Instant(nanoseconds: nanoseconds)
        var output = self.output ?? OutputLines(instance: instance, now: now)
        let lines = output.onOutput(frame.payload[(space + 1)...], of: frame.source, now: now, time: lastTime)
        self.output = output
        return unknown(lines)
    }

    /// A second is over since something began to wait. What is read may be older than that by any time.
    /// - Returns: the lines that waited for it.
    mutating func onSilence() -> [LogLine] { unknown(output?.onSilence(time: lastTime) ?? []) }

    /// What stands behind the last ends of lines, once the container has ended.
    mutating func finish() -> [LogLine] {
        unknown([LogLine.Source.stdout, .stderr].flatMap { output?.onEnd(of: $0, time: lastTime) ?? [] })
    }

    /// Without those that an earlier reader wrote.
    private mutating func unknown(_ lines: [LogLine]) -> [LogLine] {
        lines.filter { $0.source == .platform || !isKnown($0.time) }
    }

    /// Whether a line that began then is among those that an earlier reader wrote; counts it if so.
    private mutating func isKnown(_ time: Timestamp) -> Bool {
        guard var mark = skip else { return false }
        if time.millisecondsSinceEpoch < mark.milliseconds { return true }
        guard time.millisecondsSinceEpoch == mark.milliseconds, mark.lines > 0 else {
            skip = nil
            return false
        }
        mark.lines -= 1
        skip = mark.lines > 0 ? mark : nil
        return true
    }
}
