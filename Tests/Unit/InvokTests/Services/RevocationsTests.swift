import InvokSim
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct RevocationsTests {
    @Test func aUsersDisablingIsKnownWithinFifteenSeconds() async throws {
        let rig = Rig()
        var user = try await rig.user().user
        let run = Task { await rig.revocations.run() }
        await rig.sim.clock.waitForSleepers()
        user.isDisabled = true
        try await rig.sim.store.updateUser(user)
        var waited = Duration.zero
        while !rig.revocations.contains(user.id) {
            #expect(waited < .seconds(15))
            await rig.sim.clock.waitForSleepers()
            rig.sim.clock.advance(by: .seconds(1))
            waited += .seconds(1)
            try await rig.eventually { rig.sim.clock.sleeperCount == 1 }
        }
        run.cancel()
        await run.value
    }

    @Test func withTheStoreAwayWhatWasReadHoldsOn() async throws {
        let rig = Rig()
        var user = try await rig.user().user
        user.isDisabled = true
        try await rig.sim.store.updateUser(user)
        try await rig.revocations.refresh()
        rig.store.isAway = true
        await #expect(throws: StoreError.self) { try await rig.revocations.refresh() }
        #expect(rig.revocations.contains(user.id))
    }
}
