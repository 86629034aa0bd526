import InvokSim
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct AdmissionTests {
    private let clock = SimClock()

    private let ann = UUIDValue(randomness: SimRandomness(seed: 1))
    private let bob = UUIDValue(randomness: SimRandomness(seed: 2))

    private func admission(places: Int = 1, queueLimit: Int = 40, most: Int = .max) -> Admission {
        Admission(places: places, queueLimit: queueLimit, wait: .seconds(5), clock: clock) { _ in most }
    }

    private func until(_ condition: () -> Bool) async { while !condition() { await Task.yield() } }

    @Test func oneAfterTheOtherInOrder() async throws {
        let admission = admission()
        let order = Order()
        try await admission.enter(ann)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<3 {
                group.addTask { try await admission.run(for: ann) { order.append(number) } }
                await until { admission.waitingCount == number + 1 }
            }
            admission.leave(ann)
            try await group.waitForAll()
        }
        #expect(order.numbers == [0, 1, 2])
        try await admission.run(for: ann) {}
    }

    @Test func tooManyAreTurnedAwayAtOnce() async throws {
        let admission = admission(queueLimit: 0)
        try await admission.enter(ann)
        let error = await #expect(throws: InvokError.self) { try await admission.run(for: ann) {} }
        #expect(error?.code == .noCapacity)
        #expect(error?.retryAfterSeconds != nil)
        admission.leave(ann)
        try await admission.run(for: ann) {}
    }

    @Test func nobodyWaitsForEver() async throws {
        let admission = admission()
        try await admission.enter(ann)
        let waiter = Task { await code { try await admission.run(for: ann) {} } }
        await clock.waitForSleepers()
        await until { admission.waitingCount == 1 }
        clock.advance(by: .seconds(5))
        #expect(await waiter.value == .noCapacity)
        #expect(admission.waitingCount == 0)
        admission.leave(ann)
        try await admission.run(for: ann) {}
    }

    @Test func whoIsCancelledTakesNoPlace() async throws {
        let admission = admission()
        try await admission.enter(ann)
        let waiters = (0..<20).map { _ in Task { await code { try await admission.run(for: ann) {} } } }
        for waiter in waiters { waiter.cancel() }
        for waiter in waiters { #expect(await waiter.value == .noCapacity) }
        admission.leave(ann)
        try await admission.run(for: ann) {}
    }

    @Test func whatFailsGivesItsPlaceBack() async throws {
        let admission = admission(queueLimit: 0)
        let outcome = await code {
            try await admission.run(for: ann) { () throws(InvokError) in throw InvokError.unauthenticated }
        }
        #expect(outcome == .unauthenticated)
        try await admission.run(for: ann) {}
    }

    // MARK: Fairness

    /// However many operations one tenant has waiting, another's first one is the next.
    @Test func namespacesTakeTurns() async throws {
        let (admission, order) = (admission(), Order())
        try await admission.enter(ann)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<5 {
                group.addTask { try await admission.run(for: ann) { order.append(number) } }
                await until { admission.waitingCount == number + 1 }
            }
            group.addTask { try await admission.run(for: bob) { order.append(100) } }
            await until { admission.waitingCount == 6 }
            admission.leave(ann)
            try await group.waitForAll()
        }
        #expect(order.numbers == [0, 100, 1, 2, 3, 4] || order.numbers == [100, 0, 1, 2, 3, 4])
    }

    /// Nobody waits, and yet not all places are its own: the next one to come finds one.
    @Test func aNamespaceHasAtMostItsQuota() async throws {
        let admission = admission(places: 3, most: 2)
        try await admission.enter(ann)
        try await admission.enter(ann)
        let third = Task { try await admission.enter(ann) }
        await until { admission.waitingCount == 1 }
        try await admission.enter(bob)
        admission.leave(bob)
        #expect(admission.waitingCount == 1)
        admission.leave(ann)
        try await third.value
        #expect(admission.waitingCount == 0)
    }

    @Test func aQuotaOfNothingIsOnePlace() async throws {
        try await admission(most: 0).run(for: ann) {}
    }

    @Test func nobodyFillsTheQueueAlone() async throws {
        let admission = admission(queueLimit: 8)
        try await admission.enter(ann)
        let waiting = (0..<2).map { _ in Task { try await admission.run(for: ann) {} } }
        await until { admission.waitingCount == 2 }
        #expect(await code { try await admission.run(for: ann) {} } == .noCapacity)
        let other = Task { try await admission.run(for: bob) {} }
        await until { admission.waitingCount == 3 }
        admission.leave(ann)
        for task in waiting + [other] { try await task.value }
    }
}
