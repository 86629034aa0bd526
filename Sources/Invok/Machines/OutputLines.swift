/// Turns what one instance prints into the lines of its log: whole ones, of bounded length, and so much a second.
///
/// Of a flood the log gets its beginning at once, and its end when the second is over; what was between them is counted.
/// So what is printed last is never lost, and a log tells where it is not whole.
package struct OutputLines: Sendable {
    /// What goes into the log at once in a second.
    package static let bytesPerSecond = 512 * 1024
    /// How much of the rest is kept for when the second is over.
    package static let tailBytes = 64 * 1024
    /// A line costs more than its text, so that empty ones are bounded too.
    package static let bytesPerLine = 64
    /// When nothing has come for so long, what has no line end is a line all the same.
    package static let patience = Duration.milliseconds(500)
    /// What is that short, as the dots of something that goes on, does not wait longer than this though more comes.
    package static let longestWait = Duration.milliseconds(900)
    private static let shortBytes = 4096
    private static let window = Duration.seconds(1)

    private struct Output {
        var splitter = LineSplitter()
        /// When the line that is not whole yet began.
        var began: Timestamp?
        /// When it is a line though it has no end, and how long that can be put off.
        var due: Instant?
        var longest: Instant?

        mutating func endLine() { (began, due, longest) = (nil, nil, nil) }
    }

    private struct Gap {
        var lines = 0
        var bytes = 0
    }

    private let instance: InstanceID?
    private var outputs: [LogLine.Source: Output] = [.stdout: Output(), .stderr: Output()]
    private var windowStart: Instant
    private var used = 0
    /// What waits for the next window, the oldest first.
    private var tail: ArraySlice<LogLine> = []
    private var tailUsed = 0
    private var gap = Gap()

    package init(instance: InstanceID?, now: Instant) {
        self.instance = instance
        windowStart = now
    }

    /// Whether more is printed than goes into the log.
    package var isFlooded: Bool { !tail.isEmpty || gap.lines > 0 }

    /// When there is something to do though nothing is printed.
    package var deadline: Instant? {
        let waiting = outputs.values.compactMap(\.due).min()
        guard isFlooded else { return waiting }
        let end = windowStart.advanced(by: Self.window)
        return waiting.map { min($0, end) } ?? end
    }

    /// Takes what was printed.
    /// - Returns: the lines to write now, the platform's about what is missing among them.
    package mutating func onOutput(
        _ bytes: some Sequence<UInt8>, of source: LogLine.Source, now: Instant, time: Timestamp
    ) -> [LogLine] {
        var lines = onWindowEnd(now: now, time: time)
        var output = outputs[source] ?? Output()
        var began = output.began ?? time
        var longest = output.longest ?? now.advanced(by: Self.longestWait)
        for text in output.splitter.append(bytes) {
            lines += keep(line(text, source, began))
            began = time
            longest = now.advanced(by: Self.longestWait)
        }
        if output.splitter.restBytes > 0 {
            let silent = now.advanced(by: Self.patience)
            (output.began, output.longest) = (began, longest)
            output.due = output.splitter.restBytes > Self.shortBytes ? silent : min(silent, longest)
        } else {
            output.endLine()
        }
        outputs[source] = output
        return lines
    }

    /// Takes that time has passed.
    /// - Returns: the lines to write now.
    package mutating func onTime(now: Instant, time: Timestamp) -> [LogLine] {
        var lines = onWindowEnd(now: now, time: time)
        for source in [LogLine.Source.stdout, .stderr] {
            guard let due = outputs[source]?.due, due <= now else { continue }
            lines += rest(of: source)
        }
        return lines
    }

    /// Lets what waits for the next second go on, if the second is over.
    private mutating func onWindowEnd(now: Instant, time: Timestamp) -> [LogLine] {
        guard windowStart.duration(to: now) >= Self.window else { return [] }
        windowStart = now
        used = 0
        return release(time: time)
    }

    /// Lets what waits go on, since nothing follows it, whatever the time of what was printed last.
    package mutating func onSilence(time: Timestamp) -> [LogLine] { release(time: time) }

    /// Takes that one output is at its end.
    package mutating func onEnd(of source: LogLine.Source, time: Timestamp) -> [LogLine] {
        rest(of: source) + release(time: time)
    }

    /// Counts lines that were given out and could not be written.
    package mutating func onLost(_ lines: some Sequence<LogLine>) {
        for line in lines where line.source != .platform { leaveOut(line) }
    }

    private mutating func rest(of source: LogLine.Source) -> [LogLine] {
        guard let began = outputs[source]?.began, let text = outputs[source]?.splitter.finish() else {
            return []
        }
        outputs[source]?.endLine()
        return keep(line(text, source, began))
    }

    /// - Returns: the line, or nothing where it has to wait.
    private mutating func keep(_ line: LogLine) -> [LogLine] {
        let cost = Self.cost(line)
        if !isFlooded, used < Self.bytesPerSecond {
            used += cost
            return [line]
        }
        tail.append(line)
        tailUsed += cost
        // One line at least, however long it is.
        while tailUsed > Self.tailBytes, tail.count > 1, let oldest = tail.popFirst() {
            tailUsed -= Self.cost(oldest)
            leaveOut(oldest)
        }
        return []
    }

    private mutating func release(time: Timestamp) -> [LogLine] {
        var lines: [LogLine] = []
        if gap.lines > 0 {
            let count = gap.lines == 1 ? "1 line" : "\(PlainText.number(gap.lines)) lines"
            lines.append(line("\(count) left out (\(PlainText.number(gap.bytes)) bytes)", .platform, time))
        }
        lines += tail
        used += tailUsed
        (gap, tail, tailUsed) = (Gap(), [], 0)
        return lines
    }

    private mutating func leaveOut(_ line: LogLine) {
        gap.lines += 1
        gap.bytes += line.text.utf8.count
    }

    private func line(_ text: String, _ source: LogLine.Source, _ time: Timestamp) -> LogLine {
        LogLine(time: time, source: source, instance: instance, text: text)
    }

    private static func cost(_ line: LogLine) -> Int { line.text.utf8.count + bytesPerLine }
}
