import Synchronization

/// A semaphore with a bounded, fair queue (`FairQueue`): lets a number of operations go on at a time. Others wait for a
/// bounded time, and the namespaces that have some waiting take turns.
public final class Admission: Sendable {
    private struct Ticket: Hashable {
        let number: UInt64
        let owner: Namespace
    }

    private struct State {
        var queue: FairQueue<Namespace, Ticket>
        var waiters: [Ticket: CheckedContinuation<Bool, Never>] = [:]
        var lastNumber: UInt64 = 0
        /// Cancelled before they began to wait.
        var cancelled: Set<Ticket> = []

        /// Gives the places that are free to those whose turn it is.
        /// - Parameter most: how many places an owner may hold, also while nobody else waits.
        mutating func admit(_ most: (Namespace) -> Int) -> [CheckedContinuation<Bool, Never>] {
            var admitted: [CheckedContinuation<Bool, Never>] = []
            while true {
                let held = queue.held
                let next = queue.next { held[$0.owner, default: 0] < max(1, most($0.owner)) }
                guard let next else { return admitted }
                if let waiter = waiters.removeValue(forKey: next.element) { admitted.append(waiter) }
            }
        }
    }

    private let state: Mutex<State>
    private let queueLimit: Int
    private let wait: Duration
    private let clock: any Clock
    private let most: @Sendable (Namespace) -> Int

    /// - Parameters:
    ///   - places: operations at a time, at least 1.
    ///   - queueLimit: operations that may wait, a quarter of them of one namespace; the next one is turned away.
    ///   - wait: how long one may wait.
    ///   - most: operations of one namespace at a time, so that some places are free for who comes next.
    init(
        places: Int, queueLimit: Int, wait: Duration, clock: any Clock,
        most: @escaping @Sendable (Namespace) -> Int = { _ in .max }
    ) {
        state = Mutex(State(queue: FairQueue(places: places)))
        self.queueLimit = queueLimit
        self.wait = wait
        self.clock = clock
        self.most = most
    }

    /// Runs the operation in a place of its own.
    /// - Parameter owner: whose turn it takes.
    /// - Throws: `no_capacity` when there is none in time, and what the operation throws.
    func run<Success>(
        for owner: Namespace, _ operation: () async throws(InvokError) -> Success
    ) async throws(InvokError) -> Success {
        try await enter(owner)
        defer { leave(owner) }
        return try await operation()
    }

    /// Takes a place. Give it back with `leave`.
    /// - Throws: `no_capacity` when there is none in time, or the task is cancelled; then there is nothing to give back.
    func enter(_ owner: Namespace) async throws(InvokError) {
        let deadline = clock.now().advanced(by: wait)
        let ticket = state.withLock { state -> Ticket in
            state.lastNumber += 1
            return Ticket(number: state.lastNumber, owner: owner)
        }
        if takeFreePlace(ticket) { return }
        let result = await withDeadline(deadline, on: clock) { () throws(InvokError) in
            guard await self.enqueue(ticket) else { throw Self.busy }
        }
        guard case .success? = result else { throw Self.busy }
    }

    /// How many operations go on and wait now.
    var use: BuildUse {
        state.withLock { BuildUse(running: $0.queue.held.values.reduce(0, +), waiting: $0.queue.count) }
    }

    /// How many operations wait now.
    var waitingCount: Int { state.withLock { $0.queue.count } }

    private func takeFreePlace(_ ticket: Ticket) -> Bool {
        state.withLock { state in
            guard state.queue.isEmpty, state.queue.freePlaces > 0 else { return false }
            guard state.queue.held[ticket.owner, default: 0] < max(1, most(ticket.owner)) else { return false }
            state.queue.append(ticket, of: ticket.owner)
            return state.queue.next() != nil
        }
    }

    /// - Returns: whether there is a place; not when too many wait already, or when the task is cancelled.
    private func enqueue(_ ticket: Ticket) async -> Bool {
        let hasPlace = await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let admitted = state.withLock { state -> [CheckedContinuation<Bool, Never>]? in
                    if state.cancelled.contains(ticket) || !hasRoom(state.queue, for: ticket.owner) { return nil }
                    state.queue.append(ticket, of: ticket.owner)
                    state.waiters[ticket] = waiter
                    // A place may have become free since it was asked for.
                    return state.admit(most)
                }
                guard let admitted else { return waiter.resume(returning: false) }
                for waiter in admitted { waiter.resume(returning: true) }
            }
        } onCancel: {
            cancel(ticket)
        }
        state.withLock { _ = $0.cancelled.remove(ticket) }
        return hasPlace
    }

    /// No one fills the queue alone.
    private func hasRoom(_ queue: FairQueue<Namespace, Ticket>, for owner: Namespace) -> Bool {
        queue.count < queueLimit && queue.count(of: owner) < max(1, queueLimit / 4)
    }

    private func cancel(_ ticket: Ticket) {
        let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard let waiter = state.waiters.removeValue(forKey: ticket) else {
                state.cancelled.insert(ticket)
                return nil
            }
            state.queue.remove(ticket, of: ticket.owner)
            return waiter
        }
        waiter?.resume(returning: false)
    }

    /// Gives a place back; it goes to the one whose turn it is.
    func leave(_ owner: Namespace) {
        let admitted = state.withLock { state in
            state.queue.leave(owner)
            return state.admit(most)
        }
        for waiter in admitted { waiter.resume(returning: true) }
    }

    private static let busy = InvokError(
        .noCapacity, "the server is busy with other deploys", nextStep: "try again in a moment", retryAfterSeconds: 10)
}
