import Invok
import Testing

struct CoordinationTableTests {
    private func instant(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    @Test func aCounterEndsExactlyAtItsWindow() {
        var table = CoordinationTable()
        _ = table.increment("a", window: .seconds(10), now: instant(0))
        #expect(
            table.increment("a", window: .seconds(10), now: instant(9))
                == CounterReading(count: 2, remaining: .seconds(1)))
        #expect(
            table.increment("a", window: .seconds(10), now: instant(10))
                == CounterReading(count: 1, remaining: .seconds(10)))
    }

    @Test func staysBoundedUnderAFlood() {
        var table = CoordinationTable(capacity: 100)
        for number in 0..<10_000 {
            _ = table.increment("\(number)", window: .seconds(60), now: instant(0))
            #expect(table.count <= 100)
        }
    }

    @Test func whatHasExpiredGoesFirst() {
        var table = CoordinationTable(capacity: 4)
        for key in ["x", "y"] { _ = table.increment(key, window: .seconds(1), now: instant(0)) }
        for key in ["a", "b"] { _ = table.increment(key, window: .seconds(60), now: instant(0)) }
        _ = table.increment("c", window: .seconds(60), now: instant(2))
        #expect(table.increment("a", window: .seconds(60), now: instant(2)).count == 2)
        #expect(table.increment("b", window: .seconds(60), now: instant(2)).count == 2)
    }

    @Test func thenWhatWouldExpireSoonest() {
        var table = CoordinationTable(capacity: 4)
        for (key, seconds) in [("late", 60), ("soon", 5), ("later", 70), ("latest", 80)] {
            _ = table.increment(key, window: .seconds(seconds), now: instant(0))
        }
        _ = table.increment("new", window: .seconds(60), now: instant(1))
        #expect(table.increment("late", window: .seconds(60), now: instant(1)).count == 2)
        #expect(table.increment("latest", window: .seconds(60), now: instant(1)).count == 2)
        #expect(table.count == 4)
    }

    @Test func aFloodForgetsNobodyWhoIsOverALimit() {
        var table = CoordinationTable(capacity: 100)
        for _ in 0..<11 { _ = table.increment("guesser", window: .seconds(60), now: instant(0)) }
        for number in 0..<10_000 { _ = table.increment("\(number)", window: .seconds(90), now: instant(1)) }
        #expect(table.increment("guesser", window: .seconds(60), now: instant(2)).count == 12)
    }

    @Test func noLeaseIsTakenAwayToMakeRoom() {
        var table = CoordinationTable(capacity: 4)
        for number in 0..<4 {
            let isTaken = table.acquireLease("\(number)", holder: "one", duration: .seconds(10), now: instant(0))
            #expect(isTaken)
        }
        let isTakenWhenFull = table.acquireLease("new", holder: "one", duration: .seconds(10), now: instant(9))
        #expect(!isTakenWhenFull)
        let isExtended = table.acquireLease("0", holder: "one", duration: .seconds(10), now: instant(9))
        #expect(isExtended)
        let isTakenLater = table.acquireLease("new", holder: "two", duration: .seconds(10), now: instant(10))
        #expect(isTakenLater)
        #expect(table.isLeased("0", now: instant(10)))
        #expect(!table.isLeased("1", now: instant(10)))
    }
}
