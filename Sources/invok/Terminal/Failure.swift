import InvokModel

/// The exit codes of `invok`, each with one meaning.
enum ExitStatus: Int32, Sendable {
    case success = 0
    case failure = 1
    /// There is no valid login for the host.
    case notLoggedIn = 4
    /// The command line is wrong (`EX_USAGE` of sysexits.h).
    case usage = 64
    /// Ended by Ctrl-C: 128 + SIGINT.
    case interrupted = 130
}

/// Why a command failed, for the person at the terminal: what, why and what to type next.
///
/// Every error becomes one: those of the domain, the server's problems, and those of the network.
struct Failure: Error, Hashable {
    /// An `InvokError.Code`, or a name of the CLI's own as `unreachable`.
    var code: String
    var message: String
    var nextStep: String?
    /// What the build printed, line by line as the compiler wrote it.
    var buildLog: String?
    /// Names the request in the server's log.
    var requestID: String?
    var status: ExitStatus

    init(
        _ code: String, _ message: String, nextStep: String? = nil, buildLog: String? = nil, requestID: String? = nil,
        status: ExitStatus = .failure
    ) {
        self.code = code
        self.message = message
        self.nextStep = nextStep
        self.buildLog = buildLog
        self.requestID = requestID
        self.status = status
    }

    /// What the command line says is wrong.
    static func usage(_ message: String, nextStep: String? = nil) -> Failure {
        Failure("usage", message, nextStep: nextStep, status: .usage)
    }

    /// A local check of the domain failed.
    /// - Parameter status: `.usage` where the value came from the command line.
    init(_ error: InvokError, status: ExitStatus = .failure) {
        self.init(
            error.code.rawValue, error.message, nextStep: error.nextStep, buildLog: error.buildLog, status: status)
    }

    /// A local file could not be read or written.
    static func file(_ path: String, _ verb: String, _ reason: String, nextStep: String? = nil) -> Failure {
        Failure("file", "cannot \(verb) \(path): \(reason)", nextStep: nextStep)
    }

    /// The lines to print on stderr, without colours.
    var text: String {
        var lines = ["Error: \(message)"]
        if let buildLog, !buildLog.isEmpty { lines += buildLog.split(separator: "\n").map { "  \($0)" } }
        if let nextStep { lines.append("Next: \(nextStep)") }
        if let requestID { lines.append("Request: \(requestID)") }
        return lines.joined(separator: "\n")
    }
}

/// A failure as `--json` prints it on stderr.
struct FailureMessage: Codable {
    var code: String
    var message: String
    var nextStep: String?
    var buildLog: String?
    var requestID: String?

    enum CodingKeys: String, CodingKey {
        case code, message
        case nextStep = "next_step"
        case buildLog = "build_log"
        case requestID = "request_id"
    }

    init(_ failure: Failure) {
        code = failure.code
        message = failure.message
        nextStep = failure.nextStep
        buildLog = failure.buildLog
        requestID = failure.requestID
    }
}
