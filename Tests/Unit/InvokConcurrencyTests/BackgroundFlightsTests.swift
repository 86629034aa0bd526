import Synchronization
import TestSupport
import Testing

@testable import InvokConcurrency

@Suite(.timeLimit(.minutes(1)))
struct SingleFlightsTests {
    private final class Log: Sendable {
        private let entries = Mutex<[Int]>([])
        var all: [Int] { entries.withLock { $0 } }
        func add(_ key: Int) { entries.withLock { $0.append(key) } }
        func reaches(_ count: Int) async { while all.count < count, !Task.isCancelled { await Task.yield() } }
    }

    /// What was asked for while a flight was under way is done once more, however often.
    @Test func oneAtATimeAndOnceMoreForThoseWhoCameMeanwhile() async {
        let (flights, log, gate) = (BackgroundFlights<Int>(limit: 10), Log(), Gate())
        flights.start(7)
        let run = Task {
            await flights.run { key in
                log.add(key)
                await gate.pass()
            }
        }
        await gate.reached()
        for _ in 0..<5 { #expect(flights.start(7)) }
        #expect(log.all == [7])
        gate.open()
        await log.reaches(2)
        while flights.count > 0 { await Task.yield() }
        #expect(log.all == [7, 7])
        run.cancel()
        await run.value
    }

    @Test func thereAreNoMoreThanTheLimit() {
        let flights = BackgroundFlights<Int>(limit: 2)
        #expect(flights.start(1))
        #expect(flights.start(2))
        #expect(!flights.start(3))
        #expect(flights.start(1))
        #expect(flights.count == 2)
    }
}
