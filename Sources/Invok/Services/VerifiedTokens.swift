import Synchronization

/// The tokens whose signature was found right, by digest, until they expire: a warm call asks no codec. Those that were
/// found wrong are kept apart, so that guesses push no good one out: a function's callers may send it tokens of its own.
final class VerifiedTokens: Sendable {
    static let capacity = 10_000
    static let foreignCapacity = 1000

    private let codec: any TokenCodec
    private let clock: any Clock
    private let known = Mutex(ClockCache<Digest, TokenClaims>(capacity: capacity))
    private let foreign = Mutex(ClockCache<Digest, Bool>(capacity: foreignCapacity))

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
        do throws(TokenError) {
            let claims = try await codec.verify(token, now: now)
            guard claims.purpose == .access else { throw .invalid("it is for renewing alone") }
            known.withLock { $0.set(claims, for: digest) }
            return claims
        } catch {
            // What is no token of ours will never be one, and what has expired neither.
            foreign.withLock { $0.set(true, for: digest) }
            throw error
        }
    }

    /// What is remembered of a token.
    enum Knowledge {
        case good(TokenClaims)
        case bad
        case none
    }

    /// What the token says, as far as that is remembered.
    func knowledge(of token: String) -> Knowledge { knowledge(of: Digest(of: token.utf8)) }

    /// The same of the token that has this digest.
    func knowledge(of digest: Digest) -> Knowledge {
        if let claims = known.withLock({ $0.value(for: digest) }) {
            return clock.wallTime() < claims.expiresAt ? .good(claims) : .bad
        }
        return foreign.withLock { $0.value(for: digest) } == nil ? .none : .bad
    }
}
