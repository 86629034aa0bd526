/// One thing that must hold of an installation, and what was found.
struct SecurityCheck: Sendable {
    enum Verdict: Hashable, Sendable {
        case holds
        /// What was seen instead, and what to do.
        case broken(String, nextStep: String)
        /// Why it could not be looked at.
        case skipped(String)
    }

    /// What holds, as a statement.
    let claim: String
    let verdict: Verdict

    /// - Parameters:
    ///   - found: what was seen, for when it is not as it should be.
    ///   - nextStep: what an operator does then.
    init(_ claim: String, _ holds: Bool, found: @autoclosure () -> String, nextStep: String) {
        self.claim = claim
        verdict = holds ? .holds : .broken(found(), nextStep: nextStep)
    }

    init(_ claim: String, skipped reason: String) {
        self.claim = claim
        verdict = .skipped(reason)
    }

    var isBroken: Bool { if case .broken = verdict { true } else { false } }

    /// One line, or more where something is to be done.
    var text: String {
        switch verdict {
        case .holds: "holds    \(claim)"
        case .skipped(let reason): "skipped  \(claim): \(reason)"
        case .broken(let found, let nextStep): "BROKEN   \(claim)\n         found: \(found)\n         \(nextStep)"
        }
    }
}
