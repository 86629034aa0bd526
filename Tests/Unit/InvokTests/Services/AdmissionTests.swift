import InvokSim
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct AdmissionTests {
    private let clock = SimClock()

    private func admission(queueLimit: Int = 10) -> Admission {
        Admission(places: 1, queueLimit: queueLimit, wait: .seconds(5), clock: clock)
    }

    private func until(_ condition: () -> Bool) async { while !condition() { await Task.yield() } }

    @Test func oneAfterTheOtherInOrder() async throws {
        let admission = admission()
        let order = Order()
        try await admission.enter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<3 {
                group.addTask { try await admission.run { order.append(number) } }
                await until { admission.waitingCount == number + 1 }
            }
            admission.leave()
            try await group.waitForAll()
        }
        #expect(order.numbers == [0, 1, 2])
        try await admission.run {}
    }

    @Test func tooManyAreTurnedAwayAtOnce() async throws {
        let admission = admission(queueLimit: 0)
        try await admission.enter()
        let error = await #expect(throws: InvokError.self) { try await admission.run {} }
        #expect(error?.code == .noCapacity)
        #expect(error?.retryAfterSeconds != nil)
        admission.leave()
        try await admission.run {}
    }

    @Test func nobodyWaitsForEver() async throws {
        let admission = admission()
        try await admission.enter()
        let waiter = Task { await code { try await admission.run {} } }
        await clock.waitForSleepers()
        await until { admission.waitingCount == 1 }
        clock.advance(by: .seconds(5))
        #expect(await waiter.value == .noCapacity)
        #expect(admission.waitingCount == 0)
        admission.leave()
        try await admission.run {}
    }

    @Test func whoIsCancelledTakesNoPlace() async throws {
        let admission = admission()
        try await admission.enter()
        let waiters = (0..<20).map { _ in Task { await code { try await admission.run {} } } }
        for waiter in waiters { waiter.cancel() }
        for waiter in waiters { #expect(await waiter.value == .noCapacity) }
        admission.leave()
        try await admission.run {}
    }

    @Test func whatFailsGivesItsPlaceBack() async throws {
        let admission = admission(queueLimit: 0)
        #expect(
            await code { try await admission.run { () throws(InvokError) in throw InvokError.unauthenticated } }
                == .unauthenticated)
        try await admission.run {}
    }
}
