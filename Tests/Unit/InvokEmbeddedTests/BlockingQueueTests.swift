import Synchronization
import Testing

@testable import InvokEmbedded

@Suite(.timeLimit(.minutes(1)))
struct BlockingQueueTests {
    private final class Log: Sendable {
        let values = Mutex<[Int]>([])
    }

    @Test func runsCallsInOrder() async {
        let queue = BlockingQueue(label: "test")
        let log = Log()
        for number in 0..<100 { queue.enqueue { log.values.withLock { $0.append(number) } } }
        let seen = await queue.run { log.values.withLock { $0 } }
        #expect(seen == Array(0..<100))
    }

    @Test func throwsWhatTheCallThrows() async {
        struct Failure: Error {}
        await #expect(throws: Failure.self) {
            try await BlockingQueue(label: "test").run { () throws(Failure) in throw Failure() }
        }
    }
}
