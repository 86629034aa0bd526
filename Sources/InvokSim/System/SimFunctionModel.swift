import Invok
import Synchronization

/// What a client knows of one of its functions: the sequential model that answers and the final state are held against.
final class SimFunctionModel: Sendable {
    enum Known: Hashable, Sendable {
        case absent
        case active(Int)
        /// A change was not answered, or its answer left it open.
        case open
    }

    private struct State {
        var known = Known.absent
        /// Grows with each change that begins or ends.
        var epoch = 0
        /// Whether all code that may be active answers.
        var isHealthy = true
    }

    let key: FunctionKey
    private let state = Mutex(State())

    init(key: FunctionKey) { self.key = key }

    var known: Known { state.withLock { $0.known } }

    /// What may be counted on for a request that begins now: the active version answers, and nobody changes it.
    /// - Returns: `nil` when nothing may.
    var steady: Int? {
        state.withLock { state in
            guard case .active = state.known, state.isHealthy else { return nil }
            return state.epoch
        }
    }

    /// Whether the function was there all the time since `steady` said so.
    func isStill(_ epoch: Int) -> Bool {
        state.withLock { $0.epoch == epoch && $0.isHealthy && $0.known != .absent }
    }

    /// A change begins that may put code to work.
    /// - Parameters:
    ///   - isHealthy: whether that code answers.
    ///   - removes: whether the change takes the function away; redeploys do not touch what a request may count on.
    func begin(isHealthy: Bool, removes: Bool = false) {
        state.withLock { state in
            state.isHealthy = state.isHealthy && isHealthy
            if removes {
                state.epoch += 1
                state.known = .open
            }
        }
    }

    /// The change was answered.
    /// - Parameter isHealthy: whether the code that is active now answers.
    func end(_ known: Known, isHealthy: Bool? = nil) {
        state.withLock { state in
            if known == .open || known == .absent { state.epoch += 1 }
            state.known = known
            if let isHealthy { state.isHealthy = isHealthy }
        }
    }
}
