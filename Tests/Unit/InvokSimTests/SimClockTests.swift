import Invok
import InvokSim
import Testing

@Suite(.timeLimit(.minutes(1)))
struct SimClockTests {
    @Test func standsStillUntilItIsAdvanced() {
        let clock = SimClock(start: Timestamp(millisecondsSinceEpoch: 1000))
        #expect(clock.now() == Instant(nanoseconds: 0))
        clock.advance(by: .milliseconds(250))
        #expect(clock.now() == Instant(nanoseconds: 250_000_000))
        #expect(clock.wallTime() == Timestamp(millisecondsSinceEpoch: 1250))
    }

    @Test func sleepsNotAtAllUntilAPastInstant() async throws {
        let clock = SimClock()
        clock.advance(by: .seconds(2))
        try await clock.sleep(until: Instant(nanoseconds: 2_000_000_000))
        #expect(clock.sleeperCount == 0)
    }

    @Test func wakesSleepersInTheOrderOfTheirDeadlines() async throws {
        let clock = SimClock()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for seconds in [3, 1, 2] {
                group.addTask {
                    try await clock.sleep(until: Instant(nanoseconds: Int64(seconds) * 1_000_000_000))
                    return seconds
                }
            }
            await clock.waitForSleepers(3)
            for expected in 1...3 {
                #expect(clock.advanceToNextTimer())
                #expect(clock.now() == Instant(nanoseconds: Int64(expected) * 1_000_000_000))
                let woken = try await group.next()
                #expect(woken == expected)
            }
        }
        #expect(!clock.advanceToNextTimer())
    }

    @Test func advancingWakesOnlyWhoIsDue() async throws {
        let clock = SimClock()
        let early = Task { try await clock.sleep(until: Instant(nanoseconds: 1_000_000_000)) }
        let late = Task { try await clock.sleep(until: Instant(nanoseconds: 5_000_000_000)) }
        await clock.waitForSleepers(2)
        clock.advance(by: .seconds(4))
        try await early.value
        #expect(clock.sleeperCount == 1)
        #expect(clock.nextTimer == Instant(nanoseconds: 5_000_000_000))
        late.cancel()
        await #expect(throws: CancellationError.self) { try await late.value }
        #expect(clock.sleeperCount == 0)
    }

    @Test func aCancelledTaskDoesNotBeginToSleep() async {
        let clock = SimClock()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await clock.sleep(until: Instant(nanoseconds: 1))
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(clock.sleeperCount == 0)
    }

    @Test func cancelledWhileAdvancingEitherWakesOrThrows() async {
        let clock = SimClock()
        for _ in 0..<200 {
            let task = Task { try await clock.sleep(until: clock.now().advanced(by: .seconds(1))) }
            await clock.waitForSleepers()
            async let advance: Void = clock.advance(by: .seconds(1))
            task.cancel()
            await advance
            _ = await task.result
            #expect(clock.sleeperCount == 0)
        }
    }
}
