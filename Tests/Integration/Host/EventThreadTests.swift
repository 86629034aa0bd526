import InvokConcurrency
import InvokPOSIX
import Synchronization
import Testing

/// On pipes of the kernel, without the server.
@Suite(.timeLimit(.minutes(1)))
struct EventThreadTests {
    @Test func runsWhatItIsGivenInOrder() async throws {
        let thread = try EventThread()
        let order = Order()
        for number in 1...100 { thread.submit { order.append(number) } }
        #expect(await thread.run { order.numbers } == Array(1...100))
    }

    @Test func callsAHandlerForEachPartAndForTheEnd() async throws {
        let thread = try EventThread()
        let parts = Parts()
        do {
            let (reading, writing) = try Descriptor.pipe()
            thread.watch(reading) { parts.take(from: reading) ? .more : .done }
            for (number, text) in ["one", "two"].enumerated() {
                try writing.writeAll(Array(text.utf8))
                await parts.reached(number + 1)
            }
            // The writing end closes with its last reference.
        }
        await parts.ended()
        #expect(parts.texts == ["one", "two"])
    }

    /// A descriptor that is always readable, as that of somebody who prints without end, keeps no other one paused.
    @Test func resumesAPausedPipeHoweverMuchElseThereIs() async throws {
        let thread = try EventThread()
        let (chatty, filling) = try Descriptor.pipe()
        try filling.writeAll([1])
        // Nothing is ever taken out of it.
        thread.watch(chatty) { .more }
        let (reading, writing) = try Descriptor.pipe()
        let parts = Parts()
        let paused = Pauses()
        thread.watch(reading) {
            if paused.pauseOnce() { return .pause }
            return parts.take(from: reading) ? .more : .done
        }
        try writing.writeAll(Array("late".utf8))
        await parts.reached(1)
        #expect(paused.count == 1)
        withExtendedLifetime(filling) {}
    }

    @Test func seesTheEndOfAPausedPipe() async throws {
        let thread = try EventThread()
        let (parts, paused) = (Parts(), Pauses())
        do {
            let (reading, writing) = try Descriptor.pipe()
            thread.watch(reading) {
                if paused.pauseOnce() { return .pause }
                return parts.take(from: reading) ? .more : .done
            }
            withExtendedLifetime(writing) {}
        }
        await parts.ended()
        #expect(parts.texts == [])
    }

    @Test func pausesEachPipeByItself() async throws {
        let thread = try EventThread()
        var pipes: [(parts: Parts, writing: Descriptor)] = []
        for _ in 1...50 {
            let (reading, writing) = try Descriptor.pipe()
            let (parts, paused) = (Parts(), Pauses())
            thread.watch(reading) {
                if paused.pauseOnce() { return .pause }
                return parts.take(from: reading) ? .more : .done
            }
            pipes.append((parts, writing))
        }
        for pipe in pipes { try pipe.writing.writeAll([7]) }
        for pipe in pipes { await pipe.parts.reached(1) }
    }
}

private final class Order: Sendable {
    private let state = Mutex<[Int]>([])

    var numbers: [Int] { state.withLock { $0 } }
    func append(_ number: Int) { state.withLock { $0.append(number) } }
}

/// Asks for one pause.
private final class Pauses: Sendable {
    private let state = Mutex(0)

    var count: Int { state.withLock { $0 } }

    func pauseOnce() -> Bool {
        state.withLock { count in
            guard count == 0 else { return false }
            count = 1
            return true
        }
    }
}

/// What came out of a pipe.
private final class Parts: Sendable {
    private let state = Mutex<[String]>([])
    private let arrivals = AsyncStream.makeStream(of: Void.self)
    private let end = OneShot<Void>()

    var texts: [String] { state.withLock { $0 } }
    var count: Int { texts.count }

    /// - Returns: `false` at the end.
    func take(from descriptor: Descriptor) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 16) { buffer in
            guard let count = try? descriptor.readSome(into: buffer) else { return true }
            guard count > 0 else {
                end.signal()
                return false
            }
            state.withLock { $0.append(String(decoding: buffer[..<count], as: UTF8.self)) }
            arrivals.continuation.yield()
            return true
        }
    }

    /// Waits until so many have come.
    func reached(_ wanted: Int) async {
        if count >= wanted { return }
        for await _ in arrivals.stream where count >= wanted { return }
    }

    func ended() async { await end.wait() }
}
