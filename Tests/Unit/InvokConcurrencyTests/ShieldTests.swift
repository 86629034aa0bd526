import TestSupport
import Testing

@testable import InvokConcurrency

@Suite(.timeLimit(.minutes(1)))
struct ShieldTests {
    @Test func whatIsShieldedEndsThoughItsTaskIsCancelled() async {
        let gate = Gate()
        let task = Task {
            let isCancelledInside = await shielded {
                await gate.pass()
                return Task.isCancelled
            }
            return (isCancelledInside, Task.isCancelled)
        }
        await gate.reached()
        task.cancel()
        gate.open()
        #expect(await task.value == (false, true))
    }

    @Test func itsErrorIsPassedOn() async {
        struct Refused: Error, Hashable {}
        await #expect(throws: Refused()) {
            try await shielded { () throws(Refused) in throw Refused() }
        }
    }
}
