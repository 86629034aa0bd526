import Testing

@testable import Invok

struct CallHistoryTests {
    private func counts(_ milliseconds: Int..., status: Int = 200) -> CallCounts {
        milliseconds.reduce(into: CallCounts()) {
            $0.record(CallRecord(status: status, duration: .milliseconds($1), isCold: status == 200 && $1 > 100))
        }
    }

    private func key(_ number: Int) throws -> FunctionKey {
        FunctionKey(namespace: UUIDValue(high: 1, low: 2), name: try FunctionName("f\(number)"))
    }

    @Test func whatIsPackedComesBack() {
        var histogram = LatencyHistogram()
        for step in 0..<40 { for _ in 0...(step * step) { histogram.record(.microseconds(3 << (step % 30))) } }
        var unpacked = LatencyHistogram()
        unpacked.merge(packed: histogram.packed)
        for part in [0.0, 0.1, 0.5, 0.9, 0.99, 1] { #expect(unpacked.quantile(part) == histogram.quantile(part)) }
        #expect(unpacked.count == histogram.count && unpacked.packed == histogram.packed)
        #expect(LatencyHistogram().packed.isEmpty)
        // What is none of ours does no harm.
        unpacked.merge(packed: [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 1, 5])
    }

    @Test func minutesAreKeptInTheirOrder() {
        var history = CallHistory()
        history.append(counts(5, 7), instances: 1, minute: 100)
        history.append(counts(9, status: 500), instances: 2, minute: 101)
        // The clock was put back.
        history.append(counts(11), instances: 3, minute: 99)
        #expect(history.minutes.map(\.number) == [100, 101])
        #expect(history.minutes.map(\.calls) == [2, 2] && history.minutes.map(\.errors) == [0, 1])
        #expect(history.minutes.last?.instances == 3)
        #expect(history.bytes == history.minutes.reduce(0) { $0 + $1.bytes })
        history.drop(before: 101)
        #expect(history.minutes.map(\.number) == [101] && history.bytes == history.minutes[0].bytes)
        history.drop(before: 500)
        #expect(history.minutes.isEmpty && history.bytes == 0)
    }

    // MARK: In the ledger

    private func add(_ counts: CallRecord..., of key: FunctionKey, to ledger: inout CallLedger) {
        var table = CallTable(limit: 10)
        let place = table.place(of: key)
        for call in counts { table.record(call, at: place) }
        ledger.absorb(table)
    }

    private let call = CallRecord(status: 200, duration: .milliseconds(10))

    @Test func aSeriesHasEachMinuteOnce() throws {
        var ledger = CallLedger(limit: 10, historyBytes: 1 << 20)
        let (key, other) = (try key(1), try key(2))
        for minute in Int64(1000)..<1010 {
            for _ in 0...(minute - 1000) { add(call, of: key, to: &ledger) }
            add(call, of: other, to: &ledger)
            ledger.closeMinute(minute, instances: [key: Int(minute - 1000)])
        }
        // What goes on.
        add(CallRecord(status: 503, duration: .seconds(1)), of: key, to: &ledger)
        let all = ledger.series(of: key, from: 1000, to: 1010, points: 100, instances: 4)
        #expect(all.stepMinutes == 1 && all.points.count == 11)
        #expect(all.points.map { Int($0.figures.calls) } == Array(1...10) + [1])
        #expect(all.total.calls == 56 && all.total.errors == 1 && all.total.instances == 9)
        let some = ledger.series(of: key, from: 1004, to: 1010, points: 2, instances: 0)
        #expect(some.stepMinutes == 4 && some.points.map(\.minute) == [1004, 1008])
        let calls = some.points.map { Int($0.figures.calls) }
        #expect(calls == [26, 20])
        #expect(some.points.map(\.figures.instances) == [7, 9])
        let median = try #require(some.total.durations.quantile(0.5))
        #expect(abs(median.wholeNanoseconds - 10_000_000) <= 250_000)
        #expect(ledger.series(of: try self.key(3), from: 1000, to: 1010, points: 2, instances: 0).points.isEmpty)
    }

    @Test func aDayIsKept() throws {
        var ledger = CallLedger(limit: 10, historyBytes: 64 << 20)
        let key = try key(1)
        for minute in Int64(0)..<3000 {
            add(call, of: key, to: &ledger)
            ledger.closeMinute(minute, instances: [:])
        }
        let series = ledger.series(of: key, from: 0, to: 3000, points: 5000, instances: 0)
        #expect(series.points.count == 1440 && series.points.first?.minute == 1560)
    }

    @Test func theOldestMinutesGoWhereTheyTakeTooMuch() throws {
        var ledger = CallLedger(limit: 10, historyBytes: 20_000)
        for minute in Int64(0)..<1000 {
            for number in 0..<3 { add(call, of: try key(number), to: &ledger) }
            ledger.closeMinute(minute, instances: [:])
        }
        let kept = try (0..<3).map {
            ledger.series(of: try key($0), from: 0, to: 1000, points: 5000, instances: 0).points
        }
        #expect(kept.allSatisfy { $0.last?.minute == 999 && $0.count == kept[0].count })
        #expect((20...100).contains(kept[0].count), "\(kept[0].count)")
        // The counts since the start stay.
        #expect(ledger.functions[try key(1)]?.calls.calls == 1000)
    }
}
