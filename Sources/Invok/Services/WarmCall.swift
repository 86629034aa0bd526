/// A request that an instance takes at once: its place there, and what the function may. Whoever carries it out says how
/// it ended, once, by `end`.
package struct WarmCall: Sendable {
    package let function: FunctionKey
    package let limits: Limits
    /// Whether `Authorization` holds the platform's token, which a function must never see.
    package let dropsAuthorization: Bool
    let place: Dispatcher.Place
    let invocations: Invocations

    package var endpoint: InstanceEndpoint { place.instance.endpoint }

    /// Gives the place back.
    package func end(_ outcome: InstancePool.Outcome) { invocations.dispatcher.release(place, outcome) }

    /// The instance has taken an upgrade.
    package func upgraded() { invocations.dispatcher.upgraded(place) }

    /// The instance has done with what was cut short, which is to say that it ended as `timedOut` or `abandoned`.
    package func workEnded() { invocations.dispatcher.workEnded(place) }

    /// The answer to give instead of one that took too long; the function's log says so.
    package func timedOut(_ expiry: AnswerDeadlines.Expiry, requestID: String) -> InvokError {
        invocations.timedOut(expiry, limits, place.instance, requestID)
    }

    /// The answer to give instead of one that failed; the operator and the function's log are told.
    package func failed(_ error: TransportError, requestID: String) -> InvokError {
        invocations.explain(error, place.instance, requestID)
    }
}

extension Invocations {
    /// Takes a place for the request where nothing has to be waited for: it is known who calls, what the function is and
    /// that they may, and an instance has room.
    ///
    /// It makes no difference to `invoke` whether this was tried before.
    /// - Parameters:
    ///   - isOfPage: whether it has an `Origin`, by which a function that names pages answers differently.
    ///   - stranger: as in `invoke`.
    /// - Returns: `nil` for a request that has to wait, or is to be refused.
    package func warm(
        _ key: FunctionKey, tokens: ForwardedHead.Tokens, isOfPage: Bool, stranger: () -> String?
    ) -> WarmCall? {
        guard let route = directory.known(key), !isOfPage || (route.version.settings.cors ?? []).isEmpty else {
            return nil
        }
        let isPublic = route.access == .public
        if !isPublic {
            guard let token = tokens.platformDigest, case .good(let claims) = accounts.knowledge(of: token),
                accounts.isGood(claims), access.allowsInvocation(in: key.namespace, by: claims.user)
            else { return nil }
        }
        guard let dropsAuthorization = holdsPlatformToken(tokens.bearers, verified: isPublic ? nil : tokens.platform),
            let isKnown = isPublic ? holdsPlatformToken(tokens.apart, verified: nil) : true
        else { return nil }
        guard let place = dispatcher.tryAcquire(route.version.key) else { return nil }
        let call = WarmCall(
            function: key, limits: route.version.settings.limits, dropsAuthorization: dropsAuthorization,
            place: place, invocations: self)
        do throws(InvokError) {
            if !dropsAuthorization, !isKnown, let stranger = stranger() {
                try quotas.countStranger(stranger, of: key, rate: call.limits.ratePerCaller)
            }
            try quotas.countInvocation(of: key.namespace)
        } catch {
            call.end(.unsent)
            return nil
        }
        return call
    }

    /// - Parameter verified: a token that is known to be the platform's.
    /// - Returns: `nil` where a token has not been looked at yet.
    private func holdsPlatformToken(_ tokens: [String], verified: String?) -> Bool? {
        if let verified, tokens.contains(verified) { return true }
        var holds = false
        for token in tokens {
            switch accounts.knowledge(of: token) {
            case .good: holds = true
            case .bad: break
            case .none: return nil
            }
        }
        return holds
    }
}
