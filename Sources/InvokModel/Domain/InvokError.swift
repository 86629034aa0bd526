/// What went wrong, for the person who asked: the one error type of the services.
///
/// It is turned into HTTP in one place (`Problem`) and into terminal text in one place.
public struct InvokError: Error, Hashable, Sendable {
    /// Stable names that clients may switch over. The HTTP status follows from the code.
    public enum Code: String, Sendable, Hashable, CaseIterable, Codable {
        case invalidRequest = "invalid_request"
        case invalidEmail = "invalid_email"
        case invalidPassword = "invalid_password"
        case invalidName = "invalid_name"
        case invalidConfig = "invalid_config"
        case invalidArchive = "invalid_archive"
        case unknownRuntime = "unknown_runtime"
        case payloadTooLarge = "payload_too_large"
        case unsupportedMediaType = "unsupported_media_type"
        case unauthenticated
        case wrongCredentials = "wrong_credentials"
        case accountDisabled = "account_disabled"
        case registrationClosed = "registration_closed"
        case forbidden
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        case emailTaken = "email_taken"
        case conflict
        case deployInProgress = "deploy_in_progress"
        case buildFailed = "build_failed"
        case startFailed = "start_failed"
        case tooManyRequests = "too_many_requests"
        case quotaExceeded = "quota_exceeded"
        case functionFailed = "function_failed"
        case noCapacity = "no_capacity"
        case functionTimeout = "function_timeout"
        case unavailable
        case storageFull = "storage_full"
        case expectationFailed = "expectation_failed"
        case misdirected
        case notImplemented = "not_implemented"
        case `internal`
    }

    public let code: Code
    /// A sentence for the person; never anything secret or about another tenant.
    public let message: String
    /// What to do next, where there is something to do.
    public let nextStep: String?
    /// What happened inside, for the log only.
    public let inner: String?
    /// What the build printed, for `build_failed` and `start_failed`.
    public let buildLog: String?
    /// After how many seconds to try again, for `too_many_requests`, `no_capacity` and `unavailable`.
    public let retryAfterSeconds: Int?
    /// The quota that would have been passed, for `quota_exceeded`, and for `too_many_requests` where one set the rate.
    public let quota: QuotaExcess?

    public init(
        _ code: Code, _ message: String, nextStep: String? = nil, inner: String? = nil, buildLog: String? = nil,
        retryAfterSeconds: Int? = nil, quota: QuotaExcess? = nil
    ) {
        self.code = code
        self.message = message
        self.nextStep = nextStep
        self.inner = inner
        self.buildLog = buildLog
        self.retryAfterSeconds = retryAfterSeconds
        self.quota = quota
    }
}

extension InvokError {
    public static func invalidRequest(_ message: String, nextStep: String? = nil) -> InvokError {
        InvokError(.invalidRequest, message, nextStep: nextStep)
    }

    static func invalidName(_ text: String) -> InvokError {
        InvokError(
            .invalidName, "'\(text.prefix(80))' is not a function name",
            nextStep: "use 1 to \(FunctionName.maximumLength) of a-z, 0-9 and single dashes, starting with a letter")
    }

    package static func invalidConfig(_ message: String) -> InvokError {
        InvokError(.invalidConfig, message, nextStep: "correct config.json and deploy again")
    }

    package static func unknownRuntime(_ text: String) -> InvokError {
        let known = Runtime.allCases.map(\.rawValue).joined(separator: ", ")
        return InvokError(
            .unknownRuntime, "the runtime '\(text.prefix(80))' is unknown", nextStep: "use one of \(known)")
    }

    static func invalidEmail(_ text: String) -> InvokError {
        InvokError(
            .invalidEmail, "'\(text.prefix(80))' is not an email address",
            nextStep: "use an address like name@example.com, at most \(Email.maximumLength) characters")
    }

    static let passwordTooShort = InvokError(
        .invalidPassword, "the password is too short",
        nextStep: "use at least \(Password.minimumCharacters) characters")

    static let passwordTooLong = InvokError(
        .invalidPassword, "the password is too long",
        nextStep: "use at most \(Password.maximumCharacters) characters")

    static let passwordTooCommon = InvokError(
        .invalidPassword, "the password is one of those that are guessed first",
        nextStep: "use several words, or what a password manager makes")

    public static func invalidArchive(_ message: String, nextStep: String? = nil) -> InvokError {
        InvokError(.invalidArchive, message, nextStep: nextStep)
    }

    public static let unauthenticated = InvokError(
        .unauthenticated, "this needs a valid token", nextStep: "log in and send 'Authorization: Bearer TOKEN'")

    package static let wrongCredentials = InvokError(
        .wrongCredentials, "the email or the password is wrong", nextStep: "check both, or register first")

    package static let functionNotFound = InvokError(
        .notFound, "there is no such function", nextStep: "check the namespace and the name with 'invok list'")

    package static func unavailable(_ inner: String) -> InvokError {
        InvokError(
            .unavailable, "the service is temporarily unavailable", nextStep: "try again in a moment", inner: inner,
            retryAfterSeconds: 2)
    }
    /// More would be held than the owner of the namespace may.
    public static func quotaExceeded(_ excess: QuotaExcess, nextStep: String? = nil) -> InvokError {
        InvokError(
            .quotaExceeded,
            "the quota '\(excess.name.rawValue)' is \(excess.value) (\(excess.name.summary)), and \(excess.used) are used",
            nextStep: nextStep ?? "delete what is not needed any more, or ask the operator for a higher quota",
            quota: excess)
    }

    /// Something is asked for more often than the owner of the namespace may.
    public static func rateExceeded(_ excess: QuotaExcess, retryAfterSeconds: Int) -> InvokError {
        InvokError(
            .tooManyRequests,
            "the quota '\(excess.name.rawValue)' is \(excess.value) (\(excess.name.summary)), and \(excess.used) are used",
            nextStep: "try again in \(retryAfterSeconds) s, or ask the operator for a higher quota",
            retryAfterSeconds: retryAfterSeconds, quota: excess)
    }
}
