import InvokModel

/// What goes wrong with a host.
extension Failure {
    /// There is no login for the host.
    static func loginEnded(_ host: HostAddress) -> Failure {
        Failure(
            "unauthenticated", "your login at \(host) has ended", nextStep: "log in with 'invok login'",
            status: .notLoggedIn)
    }

    static func notLoggedIn(_ host: HostAddress) -> Failure {
        Failure(
            "unauthenticated", "you are not logged in at \(host)",
            nextStep: "log in with 'invok login', or make an account with 'invok register'", status: .notLoggedIn)
    }

    /// The server refused.
    init(_ problem: ProblemMessage, host: HostAddress) {
        let code = InvokError.Code(rawValue: problem.code)
        self.init(
            problem.code, problem.detail, nextStep: problem.nextStep, buildLog: problem.buildLog,
            requestID: problem.status >= 500 && !problem.requestID.isEmpty ? problem.requestID : nil)
        switch code {
        case .unauthenticated:
            self = .notLoggedIn(host)
            message = "\(host) does not accept your login: \(problem.detail)"
        case .forbidden where nextStep == nil: nextStep = "see who you are with 'invok whoami'"
        case .buildFailed where nextStep == nil: nextStep = "correct it and deploy again"
        default: break
        }
    }

    /// No answer came from the host.
    static func unreachable(_ host: HostAddress, _ reason: String) -> Failure {
        let nextStep =
            host.isLocal
            ? "start the server with 'invok-core', or name another with --host or INVOK_HOST"
            : "check the address given by --host or INVOK_HOST, and that 'invok-core' runs there"
        return Failure("unreachable", "cannot reach \(host): \(reason)", nextStep: nextStep)
    }

    /// Something answers, but it does not speak Invok's API.
    static func notUnderstood(_ host: HostAddress, _ what: String) -> Failure {
        Failure(
            "not_understood", "\(host) gave an answer that this invok does not understand: \(what)",
            nextStep: "check that --host names an invok-core, and that it is as new as this invok")
    }
}
