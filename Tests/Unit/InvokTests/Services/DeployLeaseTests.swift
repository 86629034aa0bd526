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

    @Test func isExtendedAsLongAsTheWorkGoesOn() async throws {
        let cache = SimCoordinationCache(clock: clock)
        let lease = DeployLease(cache: cache, key: try key(), holder: "a")
        #expect(await lease.acquire(for: .seconds(30)))
        let isHeld = try await lease.extending(by: .seconds(30), on: clock) { () throws(InvokError) in
            for _ in 1...10 {
                await clock.waitForSleepers()
                clock.advance(by: .seconds(10))
            }
            await clock.waitForSleepers()
            return await DeployLease.isHeld(lease.key, in: cache)
        }
        #expect(isHeld, "after 100 seconds")
        #expect(clock.sleeperCount == 0)
        clock.advance(by: .seconds(30))
        #expect(await !DeployLease.isHeld(lease.key, in: cache))
    }

    @Test func whatTheWorkThrowsPasses() async throws {
        let lease = DeployLease(cache: SimCoordinationCache(clock: clock), key: try key(), holder: "a")
        await #expect(throws: InvokError.unauthenticated) {
            try await lease.extending(by: .seconds(30), on: clock) { () throws(InvokError) in
                throw InvokError.unauthenticated
            }
        }
    }

    @Test func withoutTheCacheADeployGoesOnAndCountsAsAlive() async throws {
        let lease = DeployLease(cache: AbsentCache(), key: try key(), holder: "a")
        #expect(await lease.acquire(for: .seconds(10)))
        await lease.release()
        #expect(try await DeployLease.isHeld(key(), in: AbsentCache()))
    }
}
