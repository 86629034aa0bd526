import Invok
import InvokSim
import Testing

struct SimEffectsTests {
    @Test func countsAndTracesEachEffect() async throws {
        let world = SimWorld(seed: 1)
        try await world.store.check()
        _ = try await world.artifacts.put([1])
        try await world.store.check()
        #expect(world.effects.counts == ["store.check": 2, "artifacts.put": 1])
        #expect(world.effects.total == 3)
        #expect(world.effects.trace == ["store.check", "artifacts.put \(Digest(of: [1]))", "store.check"])
    }

    @Test func theHashTellsOrdersApart() async throws {
        let (first, second, third) = (SimWorld(seed: 1), SimWorld(seed: 1), SimWorld(seed: 1))
        for world in [first, second] {
            try await world.store.check()
            try await world.cache.check()
        }
        try await third.cache.check()
        try await third.store.check()
        #expect(first.effects.traceHash == second.effects.traceHash)
        #expect(first.effects.traceHash != third.effects.traceHash)
    }

    @Test func theTraceIsBounded() async throws {
        let world = SimWorld(seed: 1)
        for _ in 0..<(3 * SimEffects.traceLength) { try await world.store.check() }
        #expect(world.effects.trace.count == SimEffects.traceLength)
        #expect(world.effects.total == 3 * SimEffects.traceLength)
    }
}
