import Synchronization

/// The tokens whose signature was found right, by digest, until they expire: a warm call asks no codec.
///
/// Only good tokens are kept, so that guesses push nothing out.
final class VerifiedTokens: Sendable {
    static let capacity = 10_000

    private let codec: any TokenCodec
    private let clock: any Clock
    private let known = Mutex(ClockCache<Digest, TokenClaims>(capacity: capacity))

    init(codec: any TokenCodec, clock: any Clock) {
        self.codec = codec
        self.clock = clock
    }

    /// What the token says.
    /// - Throws: `invalid` for one that is malformed, forged, for somebody else or expired.
    func claims(of token: String) async throws(TokenError) -> TokenClaims {
        let (digest, now) = (Digest(of: token.utf8), clock.wallTime())
        if let claims = known.withLock({ $0.value(for: digest) }) {
            guard now < claims.expiresAt else {
                known.withLock { $0.remove(digest) }
                throw .invalid("it has expired")
            }
            return claims
        }
        let claims = try await codec.verify(token, now: now)
        known.withLock { $0.set(claims, for: digest) }
        return claims
    }
}
