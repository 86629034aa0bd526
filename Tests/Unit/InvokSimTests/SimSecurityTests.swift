import Invok
import InvokSim
import Testing

struct SimSecurityTests {
    @Test func aPasswordMatchesItsOwnHashOnly() async throws {
        let hasher = SimPasswordHasher()
        let hash = try await hasher.hash(Password("correct horse"))
        #expect(try await hasher.verify(Password("correct horse"), against: hash))
        #expect(try await !hasher.verify(Password("battery staple"), against: hash))
        #expect(try await !hasher.verify(Password("correct horse"), against: "nonsense"))
        #expect(!hasher.needsRehash(hash))
        #expect(SimPasswordHasher(generation: 2).needsRehash(hash))
        #expect(try await SimPasswordHasher(generation: 2).verify(Password("correct horse"), against: hash))
    }

    @Test func aTokenIsValidUntilItExpires() async throws {
        let codec = SimTokenCodec()
        let claims = TokenClaims(
            user: UserID(high: 1, low: 2), issuedAt: Timestamp(millisecondsSinceEpoch: 10),
            expiresAt: Timestamp(millisecondsSinceEpoch: 20))
        let token = try await codec.sign(claims)
        #expect(try await codec.verify(token, now: Timestamp(millisecondsSinceEpoch: 19)) == claims)
        await #expect(throws: TokenError.invalid("expired")) {
            try await codec.verify(token, now: Timestamp(millisecondsSinceEpoch: 20))
        }
        await #expect(throws: TokenError.invalid("forged")) {
            try await SimTokenCodec(secret: "other").verify(token, now: Timestamp(millisecondsSinceEpoch: 19))
        }
        await #expect(throws: TokenError.invalid("malformed")) {
            try await codec.verify("", now: Timestamp(millisecondsSinceEpoch: 19))
        }
    }
}
