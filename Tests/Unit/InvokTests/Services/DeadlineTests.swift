import InvokSim
import TestSupport
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct DeadlineTests {
    private struct Failed: Error, Equatable {}
    private let clock = SimClock()
    private let deadline = Instant(nanoseconds: 1_000_000_000)

    @Test func whatEndsInTimeCounts() async {
        let success = await withDeadline(deadline, on: clock) { () throws(Failed) in 7 }
        #expect(success == .success(7))
        let failure = await withDeadline(deadline, on: clock) { () throws(Failed) -> Int in throw Failed() }
        #expect(failure == .failure(Failed()))
        #expect(clock.sleeperCount == 0)
    }

    @Test func whatDoesNotEndIsCancelledAndWaitedFor() async {
        let gate = Gate()
        let result = Task {
            await withDeadline(deadline, on: clock) { () throws(Failed) -> Int in
                await gate.pass()
                throw Failed()
            }
        }
        await gate.reached()
        await clock.waitForSleepers()
        clock.advance(by: .seconds(1))
        #expect(await result.value == nil)
    }

    @Test func whatSucceedsAllTheSameCounts() async {
        let gate = Gate()
        let result = Task {
            await withDeadline(deadline, on: clock) { () throws(Failed) -> Int in
                await gate.pass()
                return 7
            }
        }
        await gate.reached()
        await clock.waitForSleepers()
        clock.advance(by: .seconds(1))
        #expect(await result.value == .success(7))
    }

    @Test func aCallerThatIsCancelledCancelsIt() async {
        let gate = Gate()
        let result = Task {
            await withDeadline(deadline, on: clock) { () throws(Failed) -> Int in
                await gate.pass()
                throw Failed()
            }
        }
        await gate.reached()
        result.cancel()
        #expect(await result.value == .failure(Failed()))
        #expect(clock.sleeperCount == 0)
    }
}
