import Invok
import InvokSim

/// A device of a user that renews its tokens, at whichever core, and one day logs out or is copied. It sees that its tokens
/// are good until then, and at no core for long after.
struct SimDevice: Sendable {
    /// How long after a token was taken back a core with an answering store may take it.
    private static let limit = Duration.seconds(15)
    /// How long what a refresh token gave may be asked for again, with room for the time on the way.
    private static let patience = LoginSession.grace - .seconds(10)
    private static let attempt = Duration.seconds(8)

    let user: String
    let slowness: Int
    let cluster: SimCluster

    private var checker: SimChecker { cluster.checker }

    /// Works until users stop.
    func run() async {
        var random = cluster.random("\(user) device")
        while cluster.usersWork {
            await cluster.rest(random.duration(below: .seconds(20) * slowness))
            guard cluster.usersWork, let first = await login(&random) else { continue }
            await live(first, &random)
        }
    }

    private func login(_ random: inout SimGenerator) async -> AuthResponse? {
        let (email, password) = SimCluster.credentials(of: user)
        switch await cluster.front(&random).loginRenewing(email: email, password: password) {
        case .success(let session)?: return session
        case .failure(let error)?: cluster.judge(error, "a device's log-in", allowed: [])
        case nil: break
        }
        return nil
    }

    /// One log-in from its beginning to its end.
    private func live(_ first: AuthResponse, _ random: inout SimGenerator) async {
        var (session, used) = (first, [String]())
        // An attempt whose answer is not known may come late, when its token is not even the one before the last any more,
        // and end the session as a copy would.
        var mayHaveEnded = false
        for _ in 0..<random.below(4) {
            await cluster.rest(random.duration(below: .seconds(20)))
            guard await use(session.token, mayHaveEnded, &random), let token = session.refreshToken,
                let next = await renew(token, &mayHaveEnded, &random)
            else { return }
            used.append(token)
            session = next
        }
        let (began, isCopied) = (cluster.clock.now(), !used.isEmpty && random.below(2) == 0)
        guard isCopied ? await reuse(used[0], &random) : await logout(session.token, mayHaveEnded, &random) else {
            return
        }
        await watch(session.token, since: began, isCopied ? "whose session was copied" : "that was logged out", &random)
    }

    /// A token that nothing has taken back is taken.
    /// - Returns: whether it may still be.
    private func use(_ token: String, _ mayHaveEnded: Bool, _ random: inout SimGenerator) async -> Bool {
        guard case .failure(let error)? = await cluster.front(&random).whoami(token: token) else { return true }
        cluster.judge(error, "a call with a device's token", allowed: mayHaveEnded ? [.unauthenticated] : [])
        return error.code != .unauthenticated
    }

    /// - Parameter mayHaveEnded: becomes true where the answer to an attempt is not known.
    /// - Returns: the next tokens; `nil` where it may have been forgotten what they are.
    private func renew(
        _ token: String, _ mayHaveEnded: inout Bool, _ random: inout SimGenerator
    ) async -> AuthResponse? {
        let end = cluster.clock.now().advanced(by: Self.patience)
        while cluster.usersWork {
            let front = await cluster.front(&random)
            let (outcome, isLate) = await cluster.abandoning(after: Self.attempt) { await front.refresh(token) }
            // By then the last attempt has its answer, if it ever gets one, and its successor is good for long.
            guard cluster.clock.now() < end else { return nil }
            switch outcome {
            case .success(let session)? where !isLate:
                checker.mark("token renewed")
                return session
            case .failure(let error)? where !isLate:
                cluster.judge(error, "the renewal of a token", allowed: mayHaveEnded ? [.unauthenticated] : [])
                if error.code == .unauthenticated { return nil }
            default: break
            }
            mayHaveEnded = true
            await cluster.sleep(.milliseconds(500))
        }
        return nil
    }

    /// Whoever copied a refresh token comes late with it.
    /// - Returns: whether it is known that the session has ended.
    private func reuse(_ token: String, _ random: inout SimGenerator) async -> Bool {
        await cluster.sleep(LoginSession.grace + .seconds(1))
        switch await cluster.front(&random).refresh(token) {
        case .success?: checker.violation("a refresh token of \(user) was good twice")
        case .failure(let error)? where error.code == .unauthenticated:
            checker.mark("copied token refused")
            return true
        case .failure(let error)?: cluster.judge(error, "the reuse of a refresh token", allowed: [])
        case nil: break
        }
        return false
    }

    /// - Returns: whether it is known that the session has ended.
    private func logout(_ token: String, _ mayHaveEnded: Bool, _ random: inout SimGenerator) async -> Bool {
        switch await cluster.front(&random).logout(token: token) {
        case .success?:
            checker.mark("device logged out")
            return true
        case .failure(let error)?:
            cluster.judge(error, "a device's logout", allowed: mayHaveEnded ? [.unauthenticated] : [])
        case nil: break
        }
        return false
    }

    /// No core takes the token for long.
    private func watch(_ token: String, since began: Instant, _ what: String, _ random: inout SimGenerator) async {
        let ended = cluster.clock.now()
        for pause in [Duration.seconds(3), .seconds(8), Self.limit - .seconds(11), .seconds(2)] {
            await cluster.sleep(pause)
            guard cluster.usersWork else { return }
            let asked = cluster.clock.now()
            switch await cluster.front(&random).whoami(token: token) {
            case .success?:
                let isOld = ended.advanced(by: Self.limit) <= asked && cluster.isCalm(since: began)
                checker.require(!isOld, "a token of \(user) \(what) was taken \(ended.duration(to: asked)) later")
            case .failure(let error)? where error.code == .unauthenticated: checker.mark("ended token refused")
            case .failure(let error)?: cluster.judge(error, "a call with an ended token", allowed: [])
            case nil: break
            }
        }
    }
}
