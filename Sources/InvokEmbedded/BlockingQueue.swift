import Dispatch

/// Runs blocking calls one after the other on a thread of their own, so that a slow disk does not hold the threads on
/// which everything else runs.
///
/// It is as long as it has callers that wait, and no longer: each waits for its own call.
struct BlockingQueue: Sendable {
    private let queue: DispatchQueue

    init(label: String) {
        queue = DispatchQueue(label: label)
    }

    /// Runs the call after all earlier ones and returns what it returned. It is not cut off by a cancelled task, for
    /// half a write would be worse than a late one.
    func run<Value: Sendable, Failure: Error>(
        _ call: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: Result(catching: call)) }
        }
        return try result.get()
    }

    /// Runs the call after all earlier ones and before all later ones, without waiting for it.
    func enqueue(_ call: @escaping @Sendable () -> Void) {
        queue.async(execute: call)
    }
}
