import InvokSim
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct InvokSystemTests {
    private func readiness(
        knowsFunctions: Bool = false, _ change: (inout World, FaultyStore) -> Void
    ) async throws -> Readiness {
        let sim = SimWorld(seed: 1)
        if knowsFunctions {
            let other = Rig(on: sim)
            let owner = try await other.user()
            try await other.running { try await other.deploy("hello", as: owner) }
        }
        let store = FaultyStore(sim.store)
        var world = sim.world
        world.store = store
        change(&world, store)
        let system = InvokSystem(world: world, logger: Rig.logger)
        let isAway = store.isAway
        store.isAway = false
        try await system.recover()
        store.isAway = isAway
        await system.probe.ask()
        return system.readiness
    }

    @Test func eachPartSaysWhetherItServes() async throws {
        let well = try await readiness { _, _ in }
        #expect(well.parts == ["store": nil, "cache": nil, "engine": nil])
        #expect(well.status == .ok)
        let cacheless = try await readiness { world, _ in world.cache = AbsentCache() }
        #expect(cacheless.parts["store"] == .some(nil))
        #expect(cacheless.parts["cache"] != .some(nil))
        #expect(cacheless.status == .degraded)
    }

    /// What is known answers without the store, so requests should go on coming.
    @Test func withoutItsStoreItIsReadyAsLongAsThereAreFunctionsToServe() async throws {
        let useless = try await readiness { $1.isAway = true }
        #expect(useless.parts["store"] != .some(nil))
        #expect(useless.parts["cache"] == .some(nil))
        #expect(useless.status == .unavailable)
        let serving = try await readiness(knowsFunctions: true) { $1.isAway = true }
        #expect(serving.status == .degraded)
        let alone = try await readiness(knowsFunctions: true) { world, store in
            world.cache = AbsentCache()
            store.isAway = true
        }
        #expect(alone.status == .degraded)
    }

    /// After the store was read and before `run`, another core's change must not be missed.
    @Test func whatChangesWhileItStartsIsFollowed() async throws {
        let sim = SimWorld(seed: 1)
        let other = Rig(on: sim)
        let owner = try await other.user()
        let key = try other.key(owner)
        let system = InvokSystem(world: sim.world, logger: Rig.logger)
        try await system.recover()
        try await other.running {
            try await other.deploy("hello", as: owner)
            #expect(system.directory.known(key) == nil)
            let run = Task { await system.run() }
            try await other.eventually { system.directory.known(key) != nil }
            run.cancel()
            await run.value
        }
    }

    @Test func itRunsUntilItIsCancelled() async throws {
        let sim = SimWorld(seed: 1)
        let system = InvokSystem(world: sim.world, logger: Rig.logger)
        try await system.recover()
        let run = Task { await system.run() }
        // The interval of the recovery.
        await sim.clock.waitForSleepers()
        run.cancel()
        await run.value
        #expect(sim.clock.sleeperCount == 0)
    }
}
