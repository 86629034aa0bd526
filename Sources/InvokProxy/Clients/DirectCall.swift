import Invok

/// A request to a function that needs nothing that has to be waited for, ready to be sent.
package struct DirectCall {
    package let warm: WarmCall
    /// When the request had come.
    package let began: Instant
    package let requestID: String
    /// Whole lines, for the instance and for the client.
    let requestLines: [UInt8]
    let answerLines: [UInt8]
    /// What stands in the target behind the function's name.
    let rest: Range<Int>
    let rules: FunctionAnswerRules

    /// - Parameters:
    ///   - requestLines: header lines for the instance, besides the client's.
    ///   - answerLines: header lines for the client, besides the function's.
    package init(
        _ warm: WarmCall, began: Instant, requestID: String, requestLines: [UInt8], answerLines: [UInt8],
        rest: Range<Int>, rules: FunctionAnswerRules
    ) {
        self.warm = warm
        self.began = began
        self.requestID = requestID
        self.requestLines = requestLines
        self.answerLines = answerLines
        self.rest = rest
        self.rules = rules
    }
}

/// What a client got for its answer, for the log and for who counts.
package struct AnswerSummary: Sendable {
    package var status: Int?
    package var bytes = 0
    package var isWhole = false
    /// What the function was sent of the request's body.
    package var requestBytes = 0
    /// Why the answer is not whole.
    package var failure: CallFailure?

    package init() {}
}

/// A direct call that came to nothing: somebody else answers the request.
package struct EarlierTry: Sendable {
    /// When the request had come.
    package let began: Instant
    package let trace: CallTrace
    /// What to answer, where that is known already.
    package let failure: InvokError?

    package init(began: Instant, trace: CallTrace, failure: InvokError?) {
        self.began = began
        self.trace = trace
        self.failure = failure
    }
}

/// Says which requests of one client's connection are direct calls. Used on the connection's event loop only, and waits for
/// nothing.
package protocol DirectCalls: AnyObject {
    /// - Returns: `nil` for a request that has to wait for something, is to be refused or is not a function's. It is
    ///   answered as if this had not been asked.
    func call(for request: RequestHead) -> DirectCall?
    /// A function's cookies were dropped.
    func onDropped(_ cookies: [String], of call: DirectCall)
    /// A call has ended; not one that is answered elsewhere after all.
    func onEnd(_ call: DirectCall, _ request: RequestHead, _ summary: AnswerSummary)
}
