import HTTPTypes
import Invok
import Synchronization

/// A body of given chunks.
final class ChunkedTestBody: RequestBody {
    private let chunks: Mutex<[[UInt8]]>
    private let taken = Atomic(0)

    init(_ chunks: [[UInt8]]) { self.chunks = Mutex(chunks.reversed()) }

    var isEmpty: Bool { false }
    /// How many chunks were taken.
    var takenChunks: Int { taken.load(ordering: .sequentiallyConsistent) }

    func next() async throws -> [UInt8]? {
        guard let chunk = chunks.withLock({ $0.popLast() }) else { return nil }
        taken.add(1, ordering: .sequentiallyConsistent)
        return chunk
    }
}

/// A body whose chunks the test sends while the exchange runs. Throws when the task is cancelled.
final class StreamedTestBody: RequestBody {
    struct Gone: Error {}

    private let stream: AsyncThrowingStream<[UInt8], any Error>
    private let iterator: Iterator
    let continuation: AsyncThrowingStream<[UInt8], any Error>.Continuation

    private final class Iterator: @unchecked Sendable {
        var base: AsyncThrowingStream<[UInt8], any Error>.AsyncIterator
        init(_ base: AsyncThrowingStream<[UInt8], any Error>.AsyncIterator) { self.base = base }
    }

    init() {
        (stream, continuation) = AsyncThrowingStream.makeStream()
        iterator = Iterator(stream.makeAsyncIterator())
    }

    var isEmpty: Bool { false }

    func next() async throws -> [UInt8]? {
        let bytes = try await iterator.base.next()
        try Task.checkCancellation()
        return bytes
    }
}

/// Keeps an answer.
final class RecordingSink: ResponseSink {
    struct Answer {
        var head: HTTPResponse?
        var body: [UInt8] = []
        var chunks = 0
        var trailers: HTTPFields?
        var isFinished = false
    }

    private let answer = Mutex(Answer())
    private let changes: AsyncStream<Void>.Continuation
    private let changed: AsyncStream<Void>
    /// Waits here with each chunk when there is one.
    private let gate: (@Sendable () async throws -> Void)?

    init(gate: (@Sendable () async throws -> Void)? = nil) {
        (changed, changes) = AsyncStream.makeStream()
        self.gate = gate
    }

    var value: Answer { answer.withLock { $0 } }
    var text: String { String(decoding: value.body, as: UTF8.self) }

    func writeHead(_ head: HTTPResponse) async throws {
        answer.withLock { $0.head = head }
        changes.yield()
    }

    func writeChunk(_ bytes: [UInt8]) async throws {
        answer.withLock {
            $0.body += bytes
            $0.chunks += 1
        }
        changes.yield()
        try await gate?()
    }

    func finish(trailers: HTTPFields?) async throws {
        answer.withLock {
            $0.trailers = trailers
            $0.isFinished = true
        }
        changes.yield()
    }

    /// Waits until the answer is as asked. One caller.
    func wait(until condition: (Answer) -> Bool) async {
        if condition(value) { return }
        for await _ in changed where condition(value) { return }
    }
}
