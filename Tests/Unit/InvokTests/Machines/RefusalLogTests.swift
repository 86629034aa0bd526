import Testing

@testable import Invok

struct RefusalLogTests {
    private let start = Instant(nanoseconds: 0)

    @Test func eachKindIsSaidOnceAMinuteAndNotMany() {
        var log = RefusalLog()
        #expect(log.onRefused("a", now: start) == ["egress refused: a"])
        #expect(log.onRefused("a", now: start).isEmpty)
        for number in 1..<RefusalLog.linesPerMinute {
            #expect(log.onRefused("b\(number)", now: start).count == 1)
        }
        for number in 0..<999 { #expect(log.onRefused("c\(number)", now: start).isEmpty) }
        let later = start.advanced(by: .seconds(60))
        #expect(
            log.onRefused("a", now: later) == [
                "1,000 more attempts to reach the network were refused", "egress refused: a",
            ])
    }
}
