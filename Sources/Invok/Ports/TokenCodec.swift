/// Signs and checks the tokens that clients send.
public protocol TokenCodec: Sendable {
    func sign(_ claims: TokenClaims) async throws(TokenError) -> String
    /// - Parameter now: the time against which the token must not have expired.
    /// - Throws: `invalid` for a token that is malformed, forged, for somebody else or expired.
    func verify(_ token: String, now: Timestamp) async throws(TokenError) -> TokenClaims
}

public struct TokenClaims: Hashable, Sendable {
    public let user: UserID
    public let issuedAt: Timestamp
    public let expiresAt: Timestamp

    public init(user: UserID, issuedAt: Timestamp, expiresAt: Timestamp) {
        self.user = user
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
    }
}

public enum TokenError: Error, Hashable, Sendable {
    case invalid(String)
}
