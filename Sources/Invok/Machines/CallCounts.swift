/// One call of a function, as it ended.
package struct CallRecord: Hashable, Sendable {
    /// What the client was sent; `nil` where it was sent nothing.
    package var status: Int?
    /// Why the function's answer did not reach the client, or not all of it.
    package var failure: CallFailure?
    /// From the request's head to the end of the answer.
    package var duration: Duration
    /// Of the bodies, as far as they were passed on.
    package var requestBytes: Int
    package var answerBytes: Int
    /// How long it waited for a place in an instance; `nil` where it had one at once.
    package var wait: Duration?
    /// Whether an instance was started while it waited, and took it.
    package var isCold: Bool

    package init(
        status: Int?, failure: CallFailure? = nil, duration: Duration, requestBytes: Int = 0, answerBytes: Int = 0,
        wait: Duration? = nil, isCold: Bool = false
    ) {
        self.status = status
        self.failure = failure
        self.duration = duration
        self.requestBytes = requestBytes
        self.answerBytes = answerBytes
        self.wait = wait
        self.isCold = isCold
    }
}

/// Why a function's answer did not reach its client whole.
package enum CallFailure: Int, Hashable, Sendable, CaseIterable {
    /// The request was turned away.
    case refused
    /// More were sent than a limit allows.
    case tooMany
    /// No instance had a place in time.
    case noCapacity
    /// It ended or broke off.
    case functionFailed
    /// It took longer than its limits allow.
    case functionTimeout
    /// The client went before the answer had ended.
    case clientGone
    /// Something of the server failed.
    case unavailable

    /// - Parameter hasBegun: whether the client had been sent a head. Then only the function and the client can have broken it
    ///   off.
    package init(_ code: InvokError.Code, hasBegun: Bool) {
        switch code {
        case .functionFailed, .startFailed: self = .functionFailed
        case .functionTimeout: self = .functionTimeout
        case _ where hasBegun: self = .clientGone
        case .noCapacity, .quotaExceeded: self = .noCapacity
        case .tooManyRequests: self = .tooMany
        case .internal, .unavailable, .storageFull: self = .unavailable
        default: self = .refused
        }
    }

    /// The name that metrics have for it.
    package var label: String {
        switch self {
        case .refused: "refused"
        case .tooMany: "too_many_requests"
        case .noCapacity: "no_capacity"
        case .functionFailed: "function_failed"
        case .functionTimeout: "function_timeout"
        case .clientGone: "client_gone"
        case .unavailable: "unavailable"
        }
    }
}

/// What is counted of calls. Two counts make one.
package struct CallCounts: Hashable, Sendable {
    /// By the hundreds of the status; the first are the calls whose clients were sent nothing.
    package private(set) var statuses = SIMD8<UInt64>()
    /// By `CallFailure`.
    package private(set) var failures = SIMD8<UInt64>()
    /// Calls that the function, or the server for it, did not answer as it should: by a status of 500 and over, or not to the
    /// end.
    package private(set) var errors: UInt64 = 0
    package private(set) var coldStarts: UInt64 = 0
    package private(set) var requestBytes: UInt64 = 0
    package private(set) var answerBytes: UInt64 = 0
    package private(set) var durations = LatencyHistogram()
    /// Of the calls that waited for a place; most functions never have any.
    package private(set) var waits: LatencyHistogram?

    package init() {}

    package var calls: UInt64 { durations.count }

    package func count(of failure: CallFailure) -> UInt64 { failures[failure.rawValue] }

    package mutating func record(_ call: CallRecord) {
        var hundreds = (call.status ?? 0) / 100
        if !(1...5).contains(hundreds) { hundreds = 0 }
        statuses[hundreds] &+= 1
        if let failure = call.failure { failures[failure.rawValue] &+= 1 }
        if hundreds == 5 || call.failure == .functionFailed || call.failure == .functionTimeout { errors &+= 1 }
        if call.isCold { coldStarts &+= 1 }
        requestBytes &+= UInt64(clamping: call.requestBytes)
        answerBytes &+= UInt64(clamping: call.answerBytes)
        durations.record(call.duration)
        guard let wait = call.wait else { return }
        if waits == nil { waits = LatencyHistogram() }
        waits?.record(wait)
    }

    package mutating func merge(_ other: CallCounts) {
        statuses &+= other.statuses
        failures &+= other.failures
        errors &+= other.errors
        coldStarts &+= other.coldStarts
        requestBytes &+= other.requestBytes
        answerBytes &+= other.answerBytes
        durations.merge(other.durations)
        if let waits = other.waits {
            if self.waits == nil { self.waits = waits } else { self.waits?.merge(waits) }
        }
    }
}
