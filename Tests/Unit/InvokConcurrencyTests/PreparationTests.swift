import Synchronization
import Testing

@testable import InvokConcurrency

struct PreparationTests {
    private struct Broken: Error {}

    private final class Attempts: Sendable {
        private let count = Mutex(0)

        func next() -> Int {
            count.withLock { count in
                count += 1
                return count
            }
        }
    }

    @Test func itIsDoneOnceForAll() async throws {
        let attempts = Attempts()
        let preparation = Preparation<Int, Broken>()
        #expect(await preparation.existing() == nil)
        let values = await withTaskGroup(of: Int?.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try? await preparation.value { () throws(Broken) in
                        await Task.yield()
                        return attempts.next()
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(values == Array(repeating: 1, count: 8))
        #expect(await preparation.existing() == 1)
    }

    @Test func afterAFailureItIsTriedAgain() async throws {
        let attempts = Attempts()
        let preparation = Preparation<Int, Broken>()
        let prepare: @Sendable () async throws(Broken) -> Int = { () throws(Broken) in
            let attempt = attempts.next()
            if attempt == 1 { throw Broken() }
            return attempt
        }
        await #expect(throws: Broken.self) { try await preparation.value(prepare) }
        #expect(await preparation.existing() == nil)
        let value = try await preparation.value(prepare)
        #expect(value == 2)
    }
}
