import Synchronization

/// What must be done once before anything else can be: whoever asks waits for it, and after a failure the next one who
/// asks has it tried again.
package final class Preparation<Value: Sendable, Failure: Error>: Sendable {
    private typealias Attempt = Task<Result<Value, Failure>, Never>

    private let current = Mutex<Attempt?>(nil)

    package init() {}

    /// What was prepared.
    package func value(_ prepare: @escaping @Sendable () async throws(Failure) -> Value) async throws(Failure) -> Value
    {
        let attempt = current.withLock { current in
            if let current { return current }
            // Unstructured, since the first caller's cancellation must not fail the others; ends by itself.
            let attempt = Attempt {
                do throws(Failure) { return .success(try await prepare()) } catch { return .failure(error) }
            }
            current = attempt
            return attempt
        }
        let result = await attempt.value
        if case .failure = result { current.withLock { if $0 == attempt { $0 = nil } } }
        return try result.get()
    }

    /// What was prepared, if it was begun at all; waits until that has ended.
    package func existing() async -> Value? { try? await current.withLock(\.self)?.value.get() }
}
