import InvokSim
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct QuotasTests {
    @Test func overridesHoldOnceTheyAreReadAndWhileTheStoreIsAway() async throws {
        let rig = Rig { _, settings in settings.quota = Quota([.functions: 5, .builds: 6]) }
        let (owner, other) = (try await rig.user(), try await rig.user("other"))
        try await rig.sim.store.setQuota(.functions, of: owner.user.id, to: 9)
        #expect(rig.quotas.quota(of: owner.user.id)[.functions] == 5)
        try await rig.system.recover()
        rig.store.isAway = true
        await #expect(throws: StoreError.self) { try await rig.quotas.refresh() }
        #expect(rig.quotas.quota(of: owner.user.id)[.functions] == 9)
        #expect(rig.quotas.quota(of: owner.user.id)[.builds] == 6)
        #expect(rig.quotas.quota(of: other.user.id)[.functions] == 5)
    }

    @Test func theOnlyUserIsFreeUntilThereIsAnother() async throws {
        let rig = Rig { _, settings in settings.freesOnlyUser = true }
        let first = try await rig.user()
        try await rig.sim.store.setQuota(.builds, of: first.user.id, to: 1)
        try await rig.quotas.refresh()
        #expect(rig.quotas.quota(of: first.user.id)[.functions] == Quota.unlimited)
        // What an operator has set for the user holds all the same.
        #expect(rig.quotas.quota(of: first.user.id)[.builds] == 1)
        let second = try await rig.user("second")
        #expect(rig.quotas.quota(of: second.user.id) == Quota())
        try await rig.quotas.refresh()
        #expect(rig.quotas.quota(of: first.user.id)[.functions] == Quota.Name.functions.standard)
    }

    @Test func elsewhereTheOnlyUserIsBound() async throws {
        let rig = Rig()
        let first = try await rig.user()
        try await rig.quotas.refresh()
        #expect(rig.quotas.quota(of: first.user.id) == Quota())
    }
}
