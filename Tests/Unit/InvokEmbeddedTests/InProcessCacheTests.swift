import Invok
import InvokEmbedded
import Testing

struct InProcessCacheTests {
    private struct StoppedClock: Clock {
        func now() -> Instant { Instant(nanoseconds: 0) }
        func wallTime() -> Timestamp { Timestamp(millisecondsSinceEpoch: 0) }
        func sleep(until deadline: Instant) async throws(CancellationError) {}
    }

    @Test func aFloodOfKeysDoesNotTakeTheLeases() async throws {
        let cache = InProcessCache(clock: StoppedClock(), capacity: 10)
        #expect(try await cache.acquireLease("deploy", holder: "a", duration: .seconds(60)))
        for number in 0..<1000 { _ = try await cache.increment("\(number)", window: .seconds(60)) }
        #expect(try await cache.isLeased("deploy"))
        #expect(try await cache.increment("999", window: .seconds(60)).count == 2)
        #expect(try await cache.increment("0", window: .seconds(60)).count == 1)
    }
}
