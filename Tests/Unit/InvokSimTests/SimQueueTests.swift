import Invok
import Synchronization
import Testing

@testable import InvokSim

/// When jobs that come a microsecond after each other are done.
struct SimQueueTests {
    private final class Ends: Sendable {
        let list: Mutex<[Int64]>
        init(count: Int) { list = Mutex(Array(repeating: 0, count: count)) }
    }

    /// Gives all jobs to a queue, in order, and returns when each was done, in milliseconds.
    private static func ends(
        servers: Int, quantum: Duration? = nil, slowness: Int = 1, of milliseconds: [Int]
    ) async -> [Int64] {
        let clock = SimClock()
        let queue = SimQueue(servers: servers, quantum: quantum, clock: clock)
        queue.slow(by: slowness, for: .seconds(10))
        let ends = Ends(count: milliseconds.count)
        _ = await SimScheduler.run(seed: 1, onIdle: { clock.advanceToNextTimer() }) {
            await withDiscardingTaskGroup { group in
                for (index, demand) in milliseconds.enumerated() {
                    group.addTask {
                        try? await clock.sleep(until: Instant(nanoseconds: Int64(index) * 1000))
                        await queue.serve(.milliseconds(demand))
                        ends.list.withLock { $0[index] = clock.now().nanoseconds / 1_000_000 }
                    }
                }
            }
        }
        return ends.list.withLock { $0 }
    }

    @Test func oneAfterTheOther() async {
        #expect(await Self.ends(servers: 1, of: [10, 20, 5]) == [10, 30, 35])
    }

    @Test func asManyAtATimeAsThereAreServers() async {
        #expect(await Self.ends(servers: 2, of: [10, 20, 5]) == [10, 20, 15])
    }

    @Test func jobsTakeTurnsOnAProcessor() async {
        #expect(await Self.ends(servers: 1, quantum: .milliseconds(10), of: [100, 20, 10]) == [130, 50, 30])
    }

    @Test func slowServersTakeLonger() async {
        #expect(await Self.ends(servers: 1, slowness: 4, of: [10, 20]) == [40, 120])
    }

    @Test func aJobThatIsGivenUpDoesNotWait() async {
        let clock = SimClock()
        let queue = SimQueue(servers: 1, clock: clock)
        let job = Task { await queue.serve(.seconds(1)) }
        await clock.waitForSleepers()
        job.cancel()
        await job.value
        #expect(clock.now() == Instant(nanoseconds: 0))
        #expect(queue.wait == .seconds(1))
    }
}
