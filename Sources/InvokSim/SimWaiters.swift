import Synchronization

/// Tasks that wait, in order, until they are released or cancelled. What `SimClock` and `SimLatch` wait with.
///
/// The continuations are unsafe ones: a core that a simulation has crashed never returns from its waits.
final class SimWaiters<Order: Comparable & Sendable>: Sendable {
    private struct Waiter: Sendable {
        let order: Order
        let number: UInt64
        let continuation: UnsafeContinuation<Bool, Never>
    }

    private struct State: Sendable {
        var nextNumber: UInt64 = 0
        /// By order and then by number.
        var waiting: [Waiter] = []
        /// Cancelled before they began to wait.
        var cancelled: Set<UInt64> = []

        /// The end of those up to this order.
        func end(of order: Order) -> Int {
            var (low, high) = (0, waiting.count)
            while low < high {
                let middle = (low + high) / 2
                if waiting[middle].order > order { high = middle } else { low = middle + 1 }
            }
            return low
        }
    }

    private let state = Mutex(State())

    package var count: Int { state.withLock { $0.waiting.count } }

    /// The order of the first that waits.
    package var first: Order? { state.withLock { $0.waiting.first?.order } }

    /// Waits until `release` is called for this order.
    /// - Parameter isDue: asked once more before waiting, under the lock that `release` takes too, so that nothing that
    ///   became due in between is missed.
    /// - Returns: `false` when the task was cancelled.
    package func wait(_ order: Order, isDue: @Sendable () -> Bool, onWait: @Sendable () -> Void = {}) async -> Bool {
        let number = state.withLock { state in
            state.nextNumber += 1
            return state.nextNumber
        }
        let isReleased = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let outcome: Bool? = state.withLock { state in
                    if state.cancelled.contains(number) { return false }
                    if isDue() { return true }
                    let waiter = Waiter(order: order, number: number, continuation: continuation)
                    state.waiting.insert(waiter, at: state.end(of: order))
                    return nil
                }
                if let outcome { continuation.resume(returning: outcome) } else { onWait() }
            }
        } onCancel: {
            cancel(number)
        }
        if !isReleased { state.withLock { _ = $0.cancelled.remove(number) } }
        return isReleased
    }

    /// Resumes, in order, all up to this one.
    /// - Parameter prepare: makes them due, under the lock.
    package func release(through order: Order, prepare: () -> Void = {}) {
        let released = state.withLock { state -> [Waiter] in
            prepare()
            if state.waiting.isEmpty { return [] }
            let end = state.end(of: order)
            defer { state.waiting.removeFirst(end) }
            return Array(state.waiting[..<end])
        }
        for waiter in released { waiter.continuation.resume(returning: true) }
    }

    private func cancel(_ number: UInt64) {
        let waiter: Waiter? = state.withLock { state in
            guard let index = state.waiting.firstIndex(where: { $0.number == number }) else {
                state.cancelled.insert(number)
                return nil
            }
            return state.waiting.remove(at: index)
        }
        waiter?.continuation.resume(returning: false)
    }
}

/// A door that opens once and stays open.
package final class SimLatch: Sendable {
    private let isOpenNow = Mutex(false)
    private let waiters = SimWaiters<Int>()

    package init() {}

    package var isOpen: Bool { isOpenNow.withLock { $0 } }

    package func open() {
        waiters.release(through: 0) { isOpenNow.withLock { $0 = true } }
    }

    /// - Returns: `false` when the task was cancelled before it opened.
    package func wait() async -> Bool {
        await waiters.wait(0, isDue: { isOpen })
    }
}
