import Dispatch
import Synchronization

/// A thread pool of fixed size for calls that block: on the disk, on a pipe, on a hash of many bytes. They never hold a
/// thread of the pool on which tasks run.
///
/// Threads start with the first calls and end with the last reference to the pool. Its queue is as long as it has callers
/// that wait, for each waits for its own call: whoever admits callers bounds it.
package final class WorkerPool: Sendable {
    private let workers: Workers

    /// - Parameter threads: how many calls run at a time; one makes it a serial queue.
    package init(threads: Int) {
        precondition(threads > 0)
        workers = Workers(limit: threads)
    }

    deinit { workers.end() }

    /// Runs the call on one of the threads, behind those that came before, and returns what it returned. It is not cut off
    /// by a cancelled task, for half a write would be worse than a late one.
    package func run<Value: Sendable, Failure: Error>(
        _ call: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
            workers.submit { continuation.resume(returning: Result(catching: call)) }
        }
        return try result.get()
    }

    /// Runs the call on one of the threads, behind those that came before. Nobody waits for it, so whoever submits in
    /// numbers must bound them.
    package func submit(_ call: @escaping @Sendable () -> Void) { workers.submit(call) }

    /// Calls that wait for a thread now.
    package var waiting: Int { workers.waiting }
}

private final class Workers: Sendable {
    private struct State {
        /// Those before `first` have been taken.
        var calls: [(@Sendable () -> Void)?] = []
        var first = 0
        var threads = 0
        var idle = 0
        var hasEnded = false

        mutating func take() -> (@Sendable () -> Void)? {
            guard first < calls.count else { return nil }
            defer {
                calls[first] = nil
                first += 1
                // A copy now and then, not one for each call.
                if first > 64 && first * 2 > calls.count {
                    calls.removeFirst(first)
                    first = 0
                }
            }
            return calls[first]
        }
    }

    private enum Next {
        case run(@Sendable () -> Void)
        case wait
        case end
    }

    private let limit: Int
    private let state = Mutex(State())
    /// Counts calls and ends that no thread has seen yet.
    private let signals = DispatchSemaphore(value: 0)

    init(limit: Int) { self.limit = limit }

    var waiting: Int { state.withLock { $0.calls.count - $0.first } }

    func submit(_ call: @escaping @Sendable () -> Void) {
        let needsThread = state.withLock { state in
            state.calls.append(call)
            // Those that are idle may have been promised to calls before this one.
            guard state.threads < limit, state.idle < state.calls.count - state.first else { return false }
            state.threads += 1
            return true
        }
        if needsThread && !startThread() {
            let isAlone = state.withLock { state in
                state.threads -= 1
                return state.threads == 0
            }
            // Nobody else would ever run it. Late and here is better than never.
            if isAlone, let call = state.withLock({ $0.take() }) { return call() }
        }
        signals.signal()
    }

    /// Lets the threads end once no call waits.
    func end() {
        let threads = state.withLock { state in
            state.hasEnded = true
            return state.threads
        }
        for _ in 0..<threads { signals.signal() }
    }

    private func work() {
        while true {
            let next: Next = state.withLock { state in
                if let call = state.take() { return .run(call) }
                if state.hasEnded { return .end }
                state.idle += 1
                return .wait
            }
            switch next {
            case .run(let call): call()
            case .end: return
            case .wait:
                signals.wait()
                state.withLock { $0.idle -= 1 }
            }
        }
    }

    private func startThread() -> Bool { DetachedThread.start { self.work() } }
}
