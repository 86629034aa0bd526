import Foundation
import Invok
import InvokEmbedded
import Testing

@Suite(.timeLimit(.minutes(1)))
struct SystemClockTests {
    private let clock = SystemClock()

    @Test func sleepsUntilTheInstantIsReached() async throws {
        let deadline = clock.now().advanced(by: .milliseconds(20))
        try await clock.sleep(until: deadline)
        #expect(clock.now() >= deadline)
    }

    @Test func aPastInstantIsReachedAtOnce() async throws {
        try await clock.sleep(until: Instant(nanoseconds: 0))
    }

    @Test func aCancelledSleepThrows() async {
        let task = Task { [clock] in try await clock.sleep(until: clock.now().advanced(by: .seconds(3600))) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func theWallClockIsTheMachines() {
        let difference = Double(clock.wallTime().millisecondsSinceEpoch) / 1000 - Date().timeIntervalSince1970
        #expect(abs(difference) < 5)
    }
}
