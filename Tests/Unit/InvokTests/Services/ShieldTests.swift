import Testing

@testable import Invok

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
        await #expect(throws: InvokError.unauthenticated) {
            try await shielded { () throws(InvokError) in throw InvokError.unauthenticated }
        }
    }
}
