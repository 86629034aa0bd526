/// Signs and checks the tokens that clients send.
public protocol TokenCodec: Sendable {
    func sign(_ claims: TokenClaims) async throws(TokenError) -> String
    /// - Parameter now: the time against which the token must not have expired.
    /// - Returns: what it says, whatever its purpose.
    /// - Throws: `invalid` for a token that is malformed, forged, for somebody else or expired.
    func verify(_ token: String, now: Timestamp) async throws(TokenError) -> TokenClaims
}

public struct TokenClaims: Hashable, Sendable {
    public enum Purpose: Hashable, Sendable {
        /// Says who calls.
        case access
        /// Gives the next tokens of its session, of whose refresh tokens it has this number.
        case refresh(generation: Int)
    }

    public let user: UserID
    /// The log-in that it is of; `nil` in tokens that were made before there were sessions.
    public let session: UUIDValue?
    /// When its user logged in.
    public let loggedInAt: Timestamp
    public let purpose: Purpose
    public let issuedAt: Timestamp
    public let expiresAt: Timestamp

    /// - Parameter loggedInAt: when it was issued, unless told.
    public init(
        user: UserID, session: UUIDValue? = nil, loggedInAt: Timestamp? = nil, purpose: Purpose = .access,
        issuedAt: Timestamp, expiresAt: Timestamp
    ) {
        self.user = user
        self.session = session
        self.loggedInAt = loggedInAt ?? issuedAt
        self.purpose = purpose
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
    }
}

public enum TokenError: Error, Hashable, Sendable {
    case invalid(String)
}
