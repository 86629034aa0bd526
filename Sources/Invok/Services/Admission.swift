import Synchronization

/// Lets a number of operations go on at a time. A bounded number of others wait, in order and for a bounded time.
public final class Admission: Sendable {
    private struct State {
        var free: Int
        var waiting: [(number: UInt64, waiter: CheckedContinuation<Bool, Never>)] = []
        var lastNumber: UInt64 = 0
        /// Cancelled before they began to wait.
        var cancelled: Set<UInt64> = []

        mutating func takeFreePlace() -> Bool {
            guard free > 0, waiting.isEmpty else { return false }
            free -= 1
            return true
        }
    }

    private let state: Mutex<State>
    private let queueLimit: Int
    private let wait: Duration
    private let clock: any Clock

    /// - Parameters:
    ///   - places: operations at a time, at least 1.
    ///   - queueLimit: operations that may wait; the next one is turned away.
    ///   - wait: how long one may wait.
    public init(places: Int, queueLimit: Int, wait: Duration, clock: any Clock) {
        state = Mutex(State(free: max(1, places)))
        self.queueLimit = queueLimit
        self.wait = wait
        self.clock = clock
    }

    /// Runs the operation in a place of its own.
    /// - Throws: `no_capacity` when there is none in time, and what the operation throws.
    public func run<Success>(
        _ operation: () async throws(InvokError) -> Success
    ) async throws(InvokError) -> Success {
        try await enter()
        defer { leave() }
        return try await operation()
    }

    /// Takes a place. Give it back with `leave`.
    /// - Throws: `no_capacity` when there is none in time, or the task is cancelled; then there is nothing to give back.
    public func enter() async throws(InvokError) {
        if !state.withLock({ $0.takeFreePlace() }) { try await waitForPlace() }
    }

    /// How many operations wait now.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    private func waitForPlace() async throws(InvokError) {
        let deadline = clock.now().advanced(by: wait)
        let result = await withDeadline(deadline, on: clock) { () throws(InvokError) in
            guard await self.enqueue() else { throw Self.busy }
        }
        guard case .success? = result else { throw Self.busy }
    }

    /// - Returns: whether there is a place; not when too many wait already, or when the task is cancelled.
    private func enqueue() async -> Bool {
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        let hasPlace = await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let outcome: Bool? = state.withLock { state in
                    if state.cancelled.contains(number) { return false }
                    if state.takeFreePlace() { return true }
                    guard state.waiting.count < queueLimit else { return false }
                    state.waiting.append((number, waiter))
                    return nil
                }
                if let outcome { waiter.resume(returning: outcome) }
            }
        } onCancel: {
            cancel(number)
        }
        state.withLock { _ = $0.cancelled.remove(number) }
        return hasPlace
    }

    private func cancel(_ number: UInt64) {
        let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard let index = state.waiting.firstIndex(where: { $0.number == number }) else {
                state.cancelled.insert(number)
                return nil
            }
            return state.waiting.remove(at: index).waiter
        }
        waiter?.resume(returning: false)
    }

    /// The place goes to the one that has waited longest.
    public func leave() {
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard !state.waiting.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst().waiter
        }
        next?.resume(returning: true)
    }

    private static let busy = InvokError(
        .noCapacity, "the server is busy with other deploys", nextStep: "try again in a moment", retryAfterSeconds: 10)
}
