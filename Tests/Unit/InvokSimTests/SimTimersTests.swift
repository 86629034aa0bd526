import Invok
import Synchronization
import Testing

@testable import InvokSim

struct SimTimersTests {
    @Test func firesInTheOrderOfInstantsAndThenOfCalls() {
        let clock = SimClock()
        let fired = Mutex<[String]>([])
        let add = { (seconds: Int, name: String) in
            clock.call(at: Instant(nanoseconds: 0).advanced(by: .seconds(seconds))) {
                fired.withLock { $0.append(name) }
            }
        }
        _ = add(3, "c")
        _ = add(1, "a")
        let cancelled = add(2, "cancelled")
        _ = add(2, "b")
        _ = add(3, "d")
        clock.cancel(cancelled)
        clock.cancel(cancelled)
        #expect(clock.nextTimer == Instant(nanoseconds: 0).advanced(by: .seconds(1)))
        #expect(clock.advanceToNextTimer())
        #expect(fired.withLock { $0 } == ["a"])
        clock.advance(by: .seconds(2))
        #expect(fired.withLock { $0 } == ["a", "b", "c", "d"])
        #expect(!clock.advanceToNextTimer())
    }
}
