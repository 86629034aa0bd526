import Testing

@testable import Invok

struct LatencyHistogramTests {
    private func histogram(_ nanoseconds: some Sequence<Int64>) -> LatencyHistogram {
        nanoseconds.reduce(into: LatencyHistogram()) { $0.record(.nanoseconds($1)) }
    }

    /// Durations from 10 µs to 1000 s, each a little longer than the one before.
    private static let steps = Array(
        sequence(first: Int64(10_001)) { $0 < 990_000_000_000 ? $0 + max(1, $0 / 97) : nil })

    @Test func aQuantileIsWithinTwoAndAHalfPercent() {
        for value in Self.steps {
            guard let found = histogram([value]).quantile(0.5)?.wholeNanoseconds else {
                Issue.record("\(value) is in no bucket")
                continue
            }
            let error = Double(abs(found - value)) / Double(value)
            #expect(error <= 0.025, "\(value) ns is told as \(found)")
        }
    }

    @Test func quantilesAreThoseOfASortedList() {
        var random: UInt64 = 7
        let values = (0..<5000).map { _ -> Int64 in
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return 20_000 + Int64(random >> 40) * 100
        }
        let (sorted, found) = (values.sorted(), histogram(values))
        for part in [0.0, 0.01, 0.5, 0.95, 0.99, 0.999, 1] {
            let exact = Double(sorted[max(0, Int((part * 5000).rounded(.up)) - 1)])
            let told = Double(found.quantile(part)?.wholeNanoseconds ?? 0)
            #expect(abs(told - exact) <= 0.025 * exact, "\(part): \(told) instead of \(exact)")
        }
    }

    @Test func countsAtBoundsAreExact() {
        let bounds: [Duration] = [
            .microseconds(500), .milliseconds(1), .microseconds(2500), .milliseconds(5), .milliseconds(250),
            .seconds(1), .seconds(30), .seconds(60),
        ]
        for bound in bounds {
            let end = bound.wholeNanoseconds
            // To be at most so long is to be as long too.
            #expect(histogram([end - 1, end, end + 1]).counts(upTo: [bound]) == [2], "\(bound)")
        }
        let some = histogram(bounds.map(\.wholeNanoseconds))
        #expect(some.counts(upTo: bounds) == [1, 2, 3, 4, 5, 6, 7, 8])
    }

    @Test func whatIsOutsideIsCountedAtTheEnds() {
        let ends = histogram([-5, 0, 1, 10_000, 5_000_000_000_000, .max])
        #expect(ends.count == 6)
        #expect(ends.counts(upTo: [.microseconds(10), .seconds(1000)]) == [4, 4])
        #expect(ends.quantile(0.5) == .microseconds(5))
        #expect(ends.quantile(1) == .seconds(1000))
        #expect(LatencyHistogram().quantile(0.5) == nil)
    }

    @Test func twoMakeOne() {
        let (left, right) = (histogram([20_000, 3_000_000, 7_000_000_000]), histogram([3_000_000, 9_999]))
        var merged = left
        merged.merge(right)
        #expect(merged == histogram([20_000, 3_000_000, 7_000_000_000, 3_000_000, 9_999]))
        #expect(merged.sumNanoseconds == 20_000 + 3_000_000 + 7_000_000_000 + 3_000_000 + 9_999)
        merged.merge(LatencyHistogram())
        #expect(merged.count == 5)
    }
}
