import InvokSim
import Testing

@testable import Invok

struct DeployLeaseTests {
    private let clock = SimClock()

    private func key(_ name: String = "hello") throws -> FunctionKey {
        FunctionKey(namespace: Namespace(high: 1, low: 1), name: try FunctionName(name))
    }

    @Test func oneHolderAtATime() async throws {
        let cache = SimCoordinationCache(clock: clock)
        let (one, other) = (
            DeployLease(cache: cache, key: try key(), holder: "a"),
            DeployLease(cache: cache, key: try key(), holder: "b")
        )
        #expect(await one.acquire(for: .seconds(10)))
        #expect(await !other.acquire(for: .seconds(10)))
        #expect(try await DeployLease(cache: cache, key: key("other"), holder: "b").acquire(for: .seconds(10)))
        await other.release()
        #expect(try await DeployLease.isHeld(key(), in: cache))
        await one.release()
        #expect(try await !DeployLease.isHeld(key(), in: cache))
        #expect(await other.acquire(for: .seconds(10)))
        clock.advance(by: .seconds(10))
        #expect(await one.acquire(for: .seconds(10)), "a lease that is not given back runs out")
    }

    @Test func withoutTheCacheADeployGoesOnAndCountsAsAlive() async throws {
        let lease = DeployLease(cache: AbsentCache(), key: try key(), holder: "a")
        #expect(await lease.acquire(for: .seconds(10)))
        await lease.release()
        #expect(try await DeployLease.isHeld(key(), in: AbsentCache()))
    }
}
