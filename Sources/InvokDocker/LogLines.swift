import Invok

/// How much of an instance's output is in the log store already: all lines before a millisecond, and some of it.
///
/// The store keeps times in milliseconds, and a line is in it or not, so this is all it takes to go on behind the last
/// line without missing or repeating one, also when the core was killed in between.
struct LogMark: Hashable, Sendable {
    private(set) var milliseconds: Int64
    private(set) var lines: Int

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
/// which they were printed, so that what a core reads late is not dropped for coming all at once.
struct LogLines: Sendable {
    static let bytesPerSecond = 256 * 1024

    private struct Output {
        var splitter = LineSplitter()
        /// When the line that is not whole yet began.
        var began: Timestamp?
    }

    private let instance: InstanceID
    private var outputs: [LogLine.Source: Output] = [.stdout: Output(), .stderr: Output()]
    private var budget: OutputBudget?
    private var lastTime = Timestamp(millisecondsSinceEpoch: 0)
    private var skip: LogMark?

    /// - Parameter mark: where an earlier reader stopped.
    init(instance: InstanceID, after mark: LogMark?) {
        self.instance = instance
        skip = mark
    }

    /// Takes a frame that starts with its time and a space.
    /// - Returns: the lines that are whole now.
    mutating func add(_ frame: LogFrames.Frame) -> [LogLine] {
        guard let space = frame.payload.firstIndex(of: UInt8(ascii: " ")),
            let nanoseconds = LogTime.nanoseconds(frame.payload[..<space])
        else { return [] }
        let text = frame.payload[(space + 1)...]
        lastTime = Timestamp(millisecondsSinceEpoch: nanoseconds / 1_000_000)
        var lines: [LogLine] = []
        switch spend(text.count, at: nanoseconds) {
        case .drop: return []
        case .startDropping:
            return [
                note("more than \(Self.bytesPerSecond / 1024) KiB of output in a second: the rest is dropped")
            ]
        case .keepAfterGap(let missing): lines.append(note("\(missing) bytes of output were dropped"))
        case .keep: break
        }
        var output = outputs[frame.source] ?? Output()
        let began = output.began ?? lastTime
        let whole = output.splitter.append(text)
        output.began = text.last == UInt8(ascii: "\n") ? nil : began
        outputs[frame.source] = output
        for line in whole where !isKnown(began) { lines.append(self.line(line, frame.source, began)) }
        return lines
    }

    /// What stands behind the last ends of lines, once the container has ended.
    mutating func finish() -> [LogLine] {
        var lines: [LogLine] = []
        for source in [LogLine.Source.stdout, .stderr] {
            let began = outputs[source]?.began ?? lastTime
            guard let rest = outputs[source]?.splitter.finish(), !isKnown(began) else { continue }
            lines.append(line(rest, source, began))
        }
        if let missing = budget?.takeGap() { lines.append(note("\(missing) bytes of output were dropped")) }
        return lines
    }

    private mutating func spend(_ count: Int, at nanoseconds: Int64) -> OutputBudget.Decision {
        let now = Instant(nanoseconds: nanoseconds)
        var budget = self.budget ?? OutputBudget(bytesPerSecond: Self.bytesPerSecond, now: now)
        defer { self.budget = budget }
        return budget.spend(count, now: now)
    }

    /// Whether a line that began then is among those that an earlier reader wrote; counts it if so.
    private mutating func isKnown(_ time: Timestamp) -> Bool {
        guard let mark = skip else { return false }
        if time.millisecondsSinceEpoch < mark.milliseconds { return true }
        guard time.millisecondsSinceEpoch == mark.milliseconds, mark.lines > 0 else {
            skip = nil
            return false
        }
        skip = mark.lines > 1 ? mark.without(one: ()) : nil
        return true
    }

    private func line(_ text: String, _ source: LogLine.Source, _ time: Timestamp) -> LogLine {
        LogLine(time: time, source: source, instance: instance, text: text)
    }

    private func note(_ text: String) -> LogLine { line(text, .platform, lastTime) }
}

extension LogMark {
    fileprivate func without(one: Void) -> LogMark {
        var mark = self
        mark.lines -= 1
        return mark
    }
}
