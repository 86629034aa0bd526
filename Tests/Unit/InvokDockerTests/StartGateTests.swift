import Synchronization
import Testing

@testable import InvokDocker

@Suite struct StartGateTests {
    private final class Count: Sendable {
        private let counts = Mutex((current: 0, highest: 0))
        var highest: Int { counts.withLock { $0.highest } }

        func enter() {
            counts.withLock {
                $0.current += 1
                $0.highest = max($0.highest, $0.current)
            }
        }

        func leave() { counts.withLock { $0.current -= 1 } }
    }

    @Test func letsSoManyInAtATime() async {
        let (gate, count) = (StartGate(places: 3), Count())
        await withDiscardingTaskGroup { group in
            for _ in 0..<50 {
                group.addTask {
                    try? await gate.pass { () throws(DockerError) in
                        count.enter()
                        await Task.yield()
                        count.leave()
                    }
                }
            }
        }
        #expect((1...3).contains(count.highest))
    }

    @Test func whoeverIsCancelledWaitsNoMore() async {
        let gate = StartGate(places: 1)
        let (holding, release) = AsyncStream<Void>.makeStream()
        let (entered, enter) = AsyncStream<Void>.makeStream()
        let holder = Task {
            try await gate.pass { () throws(DockerError) in
                enter.finish()
                for await _ in holding {}
            }
        }
        for await _ in entered {}
        let waiting = Task { try await gate.pass { () throws(DockerError) in } }
        waiting.cancel()
        await #expect(throws: DockerError.cancelled) { try await waiting.value }
        release.finish()
        _ = await holder.result
        // The place is free again.
        try? await gate.pass { () throws(DockerError) in }
    }
}
