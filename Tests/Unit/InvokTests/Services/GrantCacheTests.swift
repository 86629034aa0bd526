import InvokSim
import TestSupport
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct GrantCacheTests {
    private struct Stage {
        let rig = Rig()
        let owner: Principal
        let guest: Principal
        let cache: GrantCache

        init() async throws {
            owner = try await rig.user()
            guest = try await rig.user("guest")
            cache = GrantCache(store: rig.store, clock: rig.sim.clock, logger: Rig.logger)
        }

        var role: Role? { get async throws { try await cache.role(of: guest.user.id, in: owner.namespace) } }
        var questions: Int { rig.sim.effects.counts["store.grant"] ?? 0 }

        func admit() async throws {
            try await rig.sim.store.putGrant(Grant(namespace: owner.namespace, user: guest.user.id, role: .viewer))
        }

        func running(_ body: () async throws -> Void) async throws {
            let run = Task { await cache.run() }
            await rig.sim.clock.waitForSleepers()
            try await body()
            run.cancel()
            await run.value
        }

        /// Lets one interval pass, with all that is done in it.
        func pass() async throws {
            rig.sim.clock.advance(by: GrantCache.interval)
            try await rig.eventually { rig.sim.clock.sleeperCount == 1 }
        }
    }

    @Test func aKnownRoleWaitsForNoStoreHoweverOldItIs() async throws {
        let stage = try await Stage()
        try await stage.admit()
        #expect(try await stage.role == .viewer)
        stage.rig.store.hang(Gate())
        stage.rig.sim.clock.advance(by: .seconds(3600))
        #expect(try await stage.role == .viewer)
    }

    @Test func whatIsUsedIsRenewedAndARemovalIsSeen() async throws {
        let stage = try await Stage()
        try await stage.admit()
        #expect(try await stage.role == .viewer)
        try await stage.running {
            try await stage.rig.sim.store.removeGrant(namespace: stage.owner.namespace, user: stage.guest.user.id)
            try await stage.pass()
            #expect(try await stage.role == nil)
        }
    }

    @Test func whatIsNotUsedIsAskedAgain() async throws {
        let stage = try await Stage()
        try await stage.admit()
        #expect(try await stage.role == .viewer)
        try await stage.running {
            stage.rig.sim.clock.advance(by: GrantCache.idleTime)
            try await stage.rig.eventually { stage.rig.sim.clock.sleeperCount == 1 }
            let before = stage.questions
            #expect(try await stage.role == .viewer)
            #expect(stage.questions == before + 1)
        }
    }

    @Test func withTheStoreAwayNothingIsForgotten() async throws {
        let stage = try await Stage()
        try await stage.admit()
        #expect(try await stage.role == .viewer)
        stage.rig.store.isAway = true
        try await stage.running {
            for _ in 0..<3 { try await stage.pass() }
            #expect(try await stage.role == .viewer)
        }
    }

    @Test func aStrangerIsBelievedForAMoment() async throws {
        let stage = try await Stage()
        for _ in 0..<10 { #expect(try await stage.role == nil) }
        #expect(stage.questions == 1)
        try await stage.admit()
        stage.rig.sim.clock.advance(by: GrantCache.strangerTime)
        #expect(try await stage.role == .viewer)
    }
}
