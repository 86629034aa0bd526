import Synchronization

/// What is learned of one call on its way, for whoever counts it at its end.
package final class CallTrace: Sendable {
    private struct State {
        var function: FunctionKey?
        var wait: Duration?
        var isCold = false
        var requestBytes = 0
        var failure: CallFailure?
    }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - function: the function that it is let in to, where that is known already.
    ///   - requestBytes: what the function has been sent of the body by then.
    package init(function: FunctionKey? = nil, requestBytes: Int = 0) {
        state = Mutex(State(function: function, requestBytes: requestBytes))
    }

    /// The function that the call was let in to; `nil` for none.
    package var function: FunctionKey? { state.withLock { $0.function } }

    func onLetIn(to function: FunctionKey) { state.withLock { $0.function = function } }

    /// It waited for a place in an instance.
    /// - Parameter isCold: whether it has one in an instance that was started meanwhile.
    func onWaited(_ wait: Duration, isCold: Bool) {
        state.withLock { state in
            state.wait = (state.wait ?? .zero) + wait
            state.isCold = isCold
        }
    }

    func onRequestBytes(_ count: Int) { state.withLock { $0.requestBytes += count } }

    package func onFailure(_ failure: CallFailure) { state.withLock { $0.failure = failure } }

    /// The call, once it has ended.
    package func record(status: Int?, answerBytes: Int, duration: Duration) -> CallRecord {
        state.withLock { state in
            CallRecord(
                status: status, failure: state.failure, duration: duration, requestBytes: state.requestBytes,
                answerBytes: answerBytes, wait: state.wait, isCold: state.isCold)
        }
    }
}
