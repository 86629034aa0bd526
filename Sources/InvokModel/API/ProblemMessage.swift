/// An error as every route answers it: `application/problem+json` (RFC 9457).
public struct ProblemMessage: Hashable, Sendable, Codable {
    public var type: String
    public var title: String
    public var status: Int
    public var detail: String
    /// An `InvokError.Code`. Text, so that an older client reads a newer server.
    public var code: String
    public var requestID: String
    /// The detail again, for older clients.
    public var error: String
    public var nextStep: String?
    public var buildLog: String?
    /// What would have been passed.
    public var quota: Quota?

    public struct Quota: Hashable, Sendable, Codable {
        /// A `Quota.Name`. Text, so that an older client reads a newer server.
        public var name: String
        public var value: Int
        public var used: Int

        public init(_ excess: QuotaExcess) {
            name = excess.name.rawValue
            value = excess.value
            used = excess.used
        }
    }

    enum CodingKeys: String, CodingKey {
        case type, title, status, detail, code, error, quota
        case requestID = "request_id"
        case nextStep = "next_step"
        case buildLog = "build_log"
    }

    public init(
        type: String, title: String, status: Int, detail: String, code: String, requestID: String,
        nextStep: String? = nil, buildLog: String? = nil, quota: Quota? = nil
    ) {
        self.type = type
        self.title = title
        self.status = status
        self.detail = detail
        self.code = code
        self.requestID = requestID
        error = detail
        self.nextStep = nextStep
        self.buildLog = buildLog
        self.quota = quota
    }
}
