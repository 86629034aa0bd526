import InvokSim
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct InvokSystemTests {
    private func readiness(_ change: (inout World, FaultyStore) -> Void) async -> [String: String?] {
        let sim = SimWorld(seed: 1)
        let store = FaultyStore(sim.store)
        var world = sim.world
        world.store = store
        change(&world, store)
        return await InvokSystem(world: world, logger: Rig.logger).readiness()
    }

    @Test func eachPartSaysWhetherItServes() async throws {
        let well = await readiness { _, _ in }
        #expect(well == ["store": nil, "cache": nil])
        let storeless = await readiness { $1.isAway = true }
        #expect(storeless["store"] != .some(nil))
        #expect(storeless["cache"] == .some(nil))
        let cacheless = await readiness { world, _ in world.cache = AbsentCache() }
        #expect(cacheless["store"] == .some(nil))
        #expect(cacheless["cache"] != .some(nil))
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
