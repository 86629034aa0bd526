import Foundation
import InvokModel
import Testing

struct TimeTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_763_820_187_250, "2025-11-22T14:03:07.250Z"),
            (-1, "1969-12-31T23:59:59.999Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_799_999, "2000-02-29T23:59:59.999Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (4_107_456_000_000, "2100-02-28T00:00:00.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"), (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
        ] as [(Int64, String)])
    func timestampsPrintAsRFC3339(milliseconds: Int64, text: String) {
        #expect(Timestamp(millisecondsSinceEpoch: milliseconds).description == text)
    }

    /// Every day of 400 years, the cycle of the calendar, against Foundation's.
    @Test func datesAreFoundations() {
        var formatter = Date.ISO8601FormatStyle(timeZone: .gmt)
        formatter = formatter.year().month().day()
        for day in stride(from: -36_525 as Int64, to: 109_572, by: 13) {
            let expected = Date(timeIntervalSince1970: Double(day) * 86_400).formatted(formatter)
            let text = Timestamp(millisecondsSinceEpoch: day * 86_400_000 + 43_200_000).description
            #expect(text == expected + "T12:00:00.000Z")
        }
    }

    @Test(arguments: [Int64.min, Int64.max])
    func theFarthestTimestampsPrint(milliseconds: Int64) {
        #expect(Timestamp(millisecondsSinceEpoch: milliseconds).description.hasSuffix("Z"))
    }

    @Test func timestampsAdvanceByWholeMilliseconds() {
        let time = Timestamp(millisecondsSinceEpoch: 1000)
        #expect(time.advanced(by: .milliseconds(1)).millisecondsSinceEpoch == 1001)
        #expect(time.advanced(by: .microseconds(1999)).millisecondsSinceEpoch == 1001)
        #expect(time.advanced(by: .seconds(-2)).millisecondsSinceEpoch == -1000)
        #expect(time < time.advanced(by: .milliseconds(1)))
    }

    @Test func instantsMeasureDurations() {
        let start = Instant(nanoseconds: 5)
        let end = start.advanced(by: .milliseconds(2))
        #expect(end.nanoseconds == 2_000_005)
        #expect(start.duration(to: end) == .milliseconds(2))
        #expect(end.duration(to: start) == .milliseconds(-2))
        #expect(start < end)
    }

    @Test(
        arguments: [
            (Duration.zero, 0), (.nanoseconds(1), 1), (.seconds(3), 3_000_000_000),
            (.milliseconds(-1500), -1_500_000_000),
        ] as [(Duration, Int64)])
    func durationsCountNanoseconds(duration: Duration, nanoseconds: Int64) {
        #expect(duration.wholeNanoseconds == nanoseconds)
    }

    @Test func aHugeDurationIsTheLargestThereIs() {
        #expect(Duration.seconds(Int64.max).wholeNanoseconds == .max)
        #expect(Duration.seconds(Int64.min).wholeNanoseconds == .min)
        let now = Instant(nanoseconds: 5)
        #expect(now.advanced(by: .seconds(Int64.max)).nanoseconds == .max)
        #expect(Instant(nanoseconds: -5).advanced(by: .seconds(Int64.min)).nanoseconds == .min)
        #expect(Instant(nanoseconds: .min).duration(to: Instant(nanoseconds: .max)) > .zero)
        #expect(Timestamp(millisecondsSinceEpoch: .max).advanced(by: .seconds(1)).millisecondsSinceEpoch == .max)
    }
}
