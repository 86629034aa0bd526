import InvokSim
import Testing

@testable import InvokSimulation

struct SimPoolTests {
    private struct Enough: Error {}

    @Test(arguments: [1, 3, 100]) func givesResultsInTheOrderOfTheInputs(count: Int) async throws {
        var seen: [Int] = []
        try await SimPool.run(1...20, at: count) {
            $0 * 2
        } read: {
            seen.append($0 + $1)
        }
        #expect(seen == (1...20).map { $0 * 3 })
    }

    @Test func endsWithWhatTheReaderThrows() async {
        var seen: [Int] = []
        await #expect(throws: Enough.self) {
            try await SimPool.run(1...1000, at: 2) {
                $0
            } read: { input, _ in
                seen.append(input)
                if input == 5 { throw Enough() }
            }
        }
        #expect(seen == [1, 2, 3, 4, 5])
    }
}
