import Invok
import Testing

@Suite struct OutputLinesTests {
    private let start = Instant(nanoseconds: 0)
    private let began = Timestamp(millisecondsSinceEpoch: 0)

    private func instant(_ milliseconds: Int64) -> Instant { start.advanced(by: .milliseconds(milliseconds)) }

    private func time(_ milliseconds: Int64) -> Timestamp { Timestamp(millisecondsSinceEpoch: milliseconds) }

    private func print(
        _ text: String, at milliseconds: Int64 = 0, _ source: LogLine.Source = .stdout, in lines: inout OutputLines
    ) -> [LogLine] {
        lines.onOutput(text.utf8, of: source, now: instant(milliseconds), time: time(milliseconds))
    }

    @Test func aLineHasTheTimeAtWhichItBegan() {
        var lines = OutputLines(instance: nil, now: start)
        #expect(print("one\ntw", at: 1, in: &lines).map(\.time) == [time(1)])
        #expect(print("err\n", at: 2, .stderr, in: &lines).map(\.text) == ["err"])
        #expect(print("o\nthree\n", at: 3, in: &lines).map(\.time) == [time(1), time(3)])
        #expect(lines.deadline == nil && !lines.isFlooded)
    }

    @Test func whatHasNoEndIsALineWhenNothingFollows() {
        var lines = OutputLines(instance: nil, now: start)
        #expect(print("wait", in: &lines) == [] && lines.deadline == instant(500))
        #expect(print("ing", at: 400, in: &lines) == [] && lines.deadline == instant(900))
        #expect(lines.onTime(now: instant(899), time: time(899)) == [])
        let all = lines.onTime(now: instant(900), time: time(900))
        #expect(all.map(\.text) == ["waiting"] && all.map(\.time) == [began] && lines.deadline == nil)
        #expect(print("more\n", at: 950, in: &lines).map(\.text) == ["more"])
    }

    /// Dots come one after the other; a long line may take its time.
    @Test func whatIsShortWaitsNotEvenASecond() {
        var lines = OutputLines(instance: nil, now: start)
        for milliseconds in [0, 300, 600] as [Int64] { #expect(print(".", at: milliseconds, in: &lines) == []) }
        #expect(lines.deadline == instant(900))
        #expect(lines.onTime(now: instant(900), time: time(900)).map(\.text) == ["..."])
        #expect(print(".", at: 910, in: &lines) == [] && lines.deadline == instant(1410))
        let long = String(repeating: "x", count: 50_000)
        #expect(print(long, at: 1300, in: &lines) == [] && lines.deadline == instant(1800))
        #expect(print(long + "\n", at: 1700, in: &lines).map(\.text) == ["." + long + long] && lines.deadline == nil)
    }

    @Test func ofAFloodTheBeginningAndTheEndAreKeptAndTheRestIsCounted() throws {
        var lines = OutputLines(instance: nil, now: start)
        var kept = print((0..<100_000).map { "\($0)\n" }.joined(), in: &lines).map(\.text)
        let first = kept.count
        #expect(kept == (0..<first).map(String.init))
        #expect((5_000..<10_000).contains(first) && lines.isFlooded && lines.deadline == instant(1000))
        // What is printed behind it waits, also when it is of the other output.
        #expect(print("last words\n", at: 500, .stderr, in: &lines) == [])
        let rest = lines.onTime(now: instant(1000), time: time(1000))
        #expect(rest.first?.source == .platform && rest.last?.text == "last words" && rest.last?.time == time(500))
        kept += rest.dropFirst().dropLast().map(\.text)
        let missing = 100_000 - kept.count
        let bytes = (0..<100_000).map { "\($0)".utf8.count }.reduce(0, +) - kept.map(\.utf8.count).reduce(0, +)
        let said = "\(PlainText.number(missing)) lines left out (\(PlainText.number(bytes)) bytes)"
        #expect(rest.first?.text == said && missing > 90_000)
        #expect(kept.last == "99999" && kept[first] == "\(100_000 - (kept.count - first))")
        #expect(print("calm\n", at: 1001, in: &lines).map(\.text) == ["calm"])
    }

    @Test func atTheEndNothingWaits() {
        var lines = OutputLines(instance: nil, now: start)
        let flood = print(String(repeating: "x\n", count: 20_000) + "the end", in: &lines)
        let rest = lines.onEnd(of: .stdout, time: time(1))
        #expect(rest.last?.text == "the end" && rest.first?.text.contains("lines left out") == true)
        #expect(lines.onEnd(of: .stderr, time: time(1)) == [] && flood.count > 5_000)
    }

    @Test func oneLongLineIsKeptHoweverMuchThereWas() {
        var lines = OutputLines(instance: nil, now: start)
        let long = String(repeating: "x", count: LogLine.maximumBytes)
        #expect(print(String(repeating: long + "\n", count: 5), in: &lines).count == 2)
        #expect(lines.onTime(now: instant(1000), time: time(1000)).map(\.text).suffix(1) == [long])
    }

    @Test func whatCouldNotBeWrittenIsCountedToo() {
        var lines = OutputLines(instance: nil, now: start)
        lines.onLost(print("12345\n", in: &lines))
        #expect(print("next\n", in: &lines) == [])
        let rest = lines.onTime(now: instant(1000), time: time(1000))
        #expect(rest.map(\.text) == ["1 line left out (5 bytes)", "next"])
    }
}
