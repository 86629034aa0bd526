import InvokSim
import Testing

@testable import Invok

struct RateLimitsTests {
    private func limits(_ cache: any CoordinationCache, _ clock: SimClock) -> RateLimits {
        RateLimits(cache: cache, clock: clock, logger: Rig.logger)
    }

    @Test(arguments: [true, false]) func aWindowTakesItsNumberAndTheNextOneToo(hasCache: Bool) async throws {
        let clock = SimClock()
        let cache: any CoordinationCache = hasCache ? SimCoordinationCache(clock: clock) : AbsentCache()
        let limits = limits(cache, clock)
        for _ in 0..<2 {
            for _ in 0..<3 { try await limits.count("a", limit: 3) }
            let error = await #expect(throws: InvokError.self) { try await limits.count("a", limit: 3) }
            #expect(error?.code == .tooManyRequests)
            #expect((1...61).contains(error?.retryAfterSeconds ?? 0))
            try await limits.count("b\(clock.now().nanoseconds)", limit: 1)
            clock.advance(by: RateLimits.window)
        }
    }

    @Test func coresCountTogetherThroughTheCache() async throws {
        let clock = SimClock()
        let cache = SimCoordinationCache(clock: clock)
        try await limits(cache, clock).count("a", limit: 1)
        #expect(await code { try await limits(cache, clock).count("a", limit: 1) } == .tooManyRequests)
    }

    /// Whoever is over a limit stays so, whatever a flood of other names does meanwhile.
    @Test func aFloodLiftsNoLimit() async throws {
        let limits = limits(AbsentCache(), SimClock())
        for _ in 0..<3 { try? await limits.count("guesser", limit: 2) }
        for key in 0..<(2 * RateLimits.localLimit) { try await limits.count("\(key)", limit: 1) }
        #expect(await code { try await limits.count("guesser", limit: 2) } == .tooManyRequests)
    }

    @Test func whatIsCountedLocallyIsBounded() async throws {
        let limits = limits(AbsentCache(), SimClock())
        for key in 0..<(2 * RateLimits.localLimit + 10) { try await limits.count("\(key)", limit: 1) }
        // The last one is remembered.
        #expect(
            await code { try await limits.count("\(2 * RateLimits.localLimit + 9)", limit: 1) } == .tooManyRequests)
    }
}
