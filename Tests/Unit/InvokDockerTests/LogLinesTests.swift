import Invok
import Testing

@testable import InvokDocker

@Suite struct LogLinesTests {
    private let instance: InstanceID

    init() throws {
        let function = FunctionKey(namespace: UUIDValue(high: 1, low: 2), name: try FunctionName("hello"))
        instance = InstanceID(version: VersionKey(function: function, number: 1), ordinal: 1)
    }

    private func frame(_ millisecond: Int, _ text: String, _ source: LogLine.Source = .stdout) -> LogFrames.Frame {
        let digits = String(1000 + millisecond % 1000).dropFirst()
        let time = "2026-11-22T18:17:\(10 + millisecond / 1000).\(digits)000000Z"
        return LogFrames.Frame(source: source, payload: Array("\(time) \(text)".utf8))
    }

    private func read(_ frames: [LogFrames.Frame], after mark: LogMark? = nil) -> [LogLine] {
        var lines = LogLines(instance: instance, after: mark)
        return frames.flatMap { lines.add($0) } + lines.finish()
    }

    private func entries(_ lines: [LogLine]) -> [LogEntry] {
        lines.enumerated().map { LogEntry(cursor: LogCursor(sequence: UInt64($0 + 1)), line: $1) }
    }

    @Test func givesLinesTheTimeAtWhichTheyBegan() {
        let lines = read([
            frame(0, "one\n"), frame(1, "tw"), frame(2, "o\n", .stderr), frame(3, "o\n"), frame(4, "end"),
        ])
        #expect(lines.map(\.text) == ["one", "o", "two", "end"])
        #expect(lines.map(\.source) == [.stdout, .stderr, .stdout, .stdout])
        let first = lines[0].time.millisecondsSinceEpoch
        #expect(lines.map { $0.time.millisecondsSinceEpoch - first } == [0, 2, 1, 4])
    }

    /// Wherever a core dies, the next one goes on behind the last line that was written.
    @Test func neitherLosesNorRepeatsALineWhereverItIsCut() {
        // Several within one millisecond, which is all that the store remembers.
        let frames = (0..<40).map { frame($0 / 7, "line \($0)\n", $0 % 3 == 0 ? .stderr : .stdout) }
        let whole = read(frames)
        #expect(whole.count == 40)
        for cut in 0...40 {
            let written = Array(whole[..<cut])
            let mark = LogMark.last(of: instance, in: entries(written))
            // The engine gives what is of that time or later.
            let since = mark.map { $0.milliseconds } ?? 0
            let again = zip(frames, whole).filter { $0.1.time.millisecondsSinceEpoch >= since }.map(\.0)
            #expect(written + read(again, after: mark) == whole, "cut at \(cut)")
        }
    }

    @Test func countsWhatIsWrittenAsTheStoreWould() {
        let whole = read((0..<20).map { frame($0 / 7, "line \($0)\n") })
        var mark: LogMark?
        for (index, line) in whole.enumerated() {
            mark = LogMark.advanced(mark, by: line)
            #expect(mark == LogMark.last(of: instance, in: entries(Array(whole[...index]))))
        }
    }

    @Test func asksForTheTimeOfTheMark() throws {
        let line = LogLine(
            time: Timestamp(millisecondsSinceEpoch: 1_700_000_000_042), source: .stdout, instance: nil, text: "")
        #expect(LogMark.advanced(nil, by: line).since == "1700000000.042000000")
    }

    @Test func countsAFloodByTheTimeOfItsLines() {
        let line = String(repeating: "x", count: 9_999) + "\n"
        let flood = read((0..<100).map { _ in frame(0, line) } + [frame(1500, "calm\n")])
        // 53 at once, and the last 6 when the second is over.
        #expect(flood.count { $0.source == .stdout } == 53 + 6 + 1)
        #expect(flood.last?.text == "calm")
        #expect(flood.contains { $0.source == .platform && $0.text == "41 lines left out (409,959 bytes)" })
        // The same lines, printed over a minute and read at once, are all kept.
        #expect(read((0..<100).map { frame($0 * 500, line) }).count == 100)
    }

    @Test func theEndOfAFloodIsThereWhenNothingFollows() {
        var lines = LogLines(instance: instance, after: nil)
        for number in 0..<20_000 { _ = lines.add(frame(0, "\(number)\n")) }
        #expect(lines.isFlooded)
        #expect(lines.onSilence().last?.text == "19999" && !lines.isFlooded)
        #expect(lines.finish() == [])
    }

    /// A second of the reader's is over while lines of the same second of the container's still come.
    @Test func theEndOfAFloodIsThereThoughItIsReadLate() {
        var lines = LogLines(instance: instance, after: nil)
        for number in 0..<20_000 { _ = lines.add(frame(100, "\(number)\n")) }
        #expect(lines.onSilence().last?.text == "19999")
        for number in 20_000..<40_000 { _ = lines.add(frame(200, "\(number)\n")) }
        #expect(lines.isFlooded)
        #expect(lines.onSilence().last?.text == "39999" && !lines.isFlooded)
    }

    /// The engine cuts a line into frames, which may come late.
    @Test func joinsALongLine() {
        let part = String(repeating: "x", count: 16_384)
        let lines = read((0..<16).map { frame($0 * 900, part) } + [frame(15_000, "\n")])
        #expect(lines.map(\.text) == [String(repeating: "x", count: LogLine.maximumBytes)])
    }

    @Test func passesOverWhatHasNoTime() {
        #expect(read([LogFrames.Frame(source: .stdout, payload: Array("hello\n".utf8))]).isEmpty)
    }
}
