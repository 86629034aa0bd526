import Dispatch
import Synchronization
import Testing

@testable import InvokPOSIX

@Suite(.timeLimit(.minutes(1))) struct WorkerPoolTests {
    struct Refused: Error, Hashable {}

    @Test func resultsAndErrorsComeBack() async throws {
        let pool = WorkerPool(threads: 2)
        #expect(await pool.run { 7 } == 7)
        await #expect(throws: Refused()) { try await pool.run { () throws(Refused) in throw Refused() } }
    }

    /// So many calls run at a time and never one more; the others wait.
    @Test(arguments: [1, 3]) func noMoreRunThanThereAreThreads(threads: Int) async {
        let pool = WorkerPool(threads: threads)
        let gate = Gate(threads)
        let calls = (0..<20).map { _ in Task { await pool.run { gate.pass() } } }
        // On a thread of its own, so that no task's thread is held here either.
        await WorkerPool(threads: 1).run { gate.awaitFull() }
        gate.open(20)
        for call in calls { await call.value }
        #expect(gate.mostAtATime == threads)
        #expect(pool.waiting == 0)
    }

    @Test func oneThreadIsASerialQueue() async {
        let pool = WorkerPool(threads: 1)
        let order = Mutex<[Int]>([])
        for number in 0..<200 { pool.submit { order.withLock { $0.append(number) } } }
        await pool.run {}
        #expect(order.withLock(\.self) == Array(0..<200))
    }

    @Test func whatWasAskedForIsDoneThoughThePoolEnds() async {
        let (done, continuation) = AsyncStream<Void>.makeStream()
        for _ in 0..<3 { WorkerPool(threads: 1).submit { continuation.yield() } }
        #expect(await done.prefix(3).reduce(0) { sum, _ in sum + 1 } == 3)
    }
}

/// Holds calls until it is opened, and knows how many ran at a time.
private final class Gate: Sendable {
    private let counts = Mutex((now: 0, most: 0))
    private let full = DispatchSemaphore(value: 0)
    private let places = DispatchSemaphore(value: 0)
    private let limit: Int

    init(_ limit: Int) { self.limit = limit }

    var mostAtATime: Int { counts.withLock { $0.most } }

    func pass() {
        let isFull = counts.withLock { counts in
            counts.now += 1
            counts.most = max(counts.most, counts.now)
            return counts.now == limit
        }
        if isFull { full.signal() }
        places.wait()
        counts.withLock { $0.now -= 1 }
    }

    func awaitFull() { full.wait() }

    func open(_ count: Int) { for _ in 0..<count { places.signal() } }
}
