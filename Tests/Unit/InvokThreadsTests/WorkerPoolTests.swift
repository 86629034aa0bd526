import Dispatch
import Synchronization
import Testing

@testable import InvokThreads

@Suite(.timeLimit(.minutes(1))) struct WorkerPoolTests {
    struct Refused: Error, Hashable {}

    @Test func resultsAndErrorsComeBack() async throws {
        let pool = WorkerPool(threads: 2)
        #expect(await pool.run { 7 } == 7)
        await #expect(throws: Refused()) { try await pool.run { () throws(Refused) in throw Refused() } }
    }

    /// All but the limit wait: so many calls run at a time, and never one more.
    @Test(arguments: [1, 3]) func noMoreRunThanThereAreThreads(threads: Int) async {
        let pool = WorkerPool(threads: threads)
        let (running, most) = (Atomic<Int>(0), Atomic<Int>(0))
        let full = DispatchSemaphore(value: 0)
        let go = DispatchSemaphore(value: 0)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    await pool.run {
                        let now = running.add(1, ordering: .relaxed).newValue
                        most.max(now, ordering: .relaxed)
                        if now == threads { full.signal() }
                        go.wait()
                        running.subtract(1, ordering: .relaxed)
                    }
                }
            }
            // A pool of their own for these waits, so that no task's thread is held here either.
            let other = WorkerPool(threads: 1)
            await other.run { full.wait() }
            for _ in 0..<20 { go.signal() }
        }
        #expect(most.load(ordering: .relaxed) == threads)
        #expect(pool.waiting == 0)
    }

    @Test func oneThreadKeepsTheOrder() async {
        let pool = WorkerPool(threads: 1)
        let order = Mutex<[Int]>([])
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                group.addTask { await pool.run { order.withLock { $0.append(number) } } }
            }
        }
        #expect(order.withLock { $0.sorted() } == Array(0..<200))
    }

    /// The call that is running keeps nothing waiting, and the pool's end does not lose what was asked of it.
    @Test func whatWasAskedForIsDoneThoughThePoolEnds() async {
        var pool: WorkerPool? = WorkerPool(threads: 1)
        let result = await pool?.run { 3 }
        pool = nil
        #expect(result == 3)
    }
}
