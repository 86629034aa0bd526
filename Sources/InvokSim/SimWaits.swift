import Synchronization

/// Who waits for what: what a report of a deadlock, or of somebody who gets no answer, names.
public final class SimWaits: Sendable {
    private struct State {
        var nextNumber = 0
        var waits: [Int: String] = [:]
    }

    private let state = Mutex(State())

    public init() {}

    /// What is waited for now, in the order in which the waits began.
    public var reasons: [String] { state.withLock { $0.waits.sorted { $0.key < $1.key }.map(\.value) } }

    /// Keeps the reason while the wait goes on.
    public func during<Value>(
        _ reason: @autoclosure () -> String, isolation: isolated (any Actor)? = #isolation, _ wait: () async -> Value
    ) async -> Value {
        let reason = reason()
        let number = state.withLock { state in
            state.nextNumber += 1
            state.waits[state.nextNumber] = reason
            return state.nextNumber
        }
        defer { state.withLock { $0.waits[number] = nil } }
        return await wait()
    }
}
