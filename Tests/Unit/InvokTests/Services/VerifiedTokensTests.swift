import InvokSim
import Synchronization
import Testing

@testable import Invok

struct VerifiedTokensTests {
    /// Counts what it is asked.
    private final class CountingCodec: TokenCodec {
        let base = SimTokenCodec()
        let count = Mutex(0)

        func sign(_ claims: TokenClaims) async throws(TokenError) -> String { try await base.sign(claims) }
        func verify(_ token: String, now: Timestamp) async throws(TokenError) -> TokenClaims {
            count.withLock { $0 += 1 }
            return try await base.verify(token, now: now)
        }
    }

    private let codec = CountingCodec()
    private let clock = SimClock()

    private func token() async throws -> String {
        let now = clock.wallTime()
        return try await codec.sign(
            TokenClaims(user: UserID(high: 1, low: 1), issuedAt: now, expiresAt: now.advanced(by: .seconds(10))))
    }

    @Test func aTokenIsVerifiedOnceUntilItExpires() async throws {
        let tokens = VerifiedTokens(codec: codec, clock: clock)
        let token = try await token()
        for _ in 0..<3 { #expect(try await tokens.claims(of: token).user == UserID(high: 1, low: 1)) }
        #expect(codec.count.withLock { $0 } == 1)
        clock.advance(by: .seconds(10))
        await #expect(throws: TokenError.self) { try await tokens.claims(of: token) }
    }

    @Test func whatIsRememberedIsToldWithoutAsking() async throws {
        let tokens = VerifiedTokens(codec: codec, clock: clock)
        let (token, forged) = (try await token(), try await token() + "0")
        for each in [token, forged] {
            guard case .none = tokens.knowledge(of: each) else {
                Issue.record("nothing is remembered yet")
                return
            }
        }
        _ = try await tokens.claims(of: token)
        await #expect(throws: TokenError.self) { try await tokens.claims(of: forged) }
        if case .good = tokens.knowledge(of: token) {} else { Issue.record("the token is good") }
        if case .bad = tokens.knowledge(of: forged) {} else { Issue.record("the other one is forged") }
        clock.advance(by: .seconds(10))
        if case .bad = tokens.knowledge(of: token) {} else { Issue.record("it has expired") }
        #expect(codec.count.withLock { $0 } == 2)
    }

    @Test func aForgedTokenIsNeverRemembered() async throws {
        let tokens = VerifiedTokens(codec: codec, clock: clock)
        let forged = try await token() + "0"
        for _ in 0..<2 { await #expect(throws: TokenError.self) { try await tokens.claims(of: forged) } }
        #expect(codec.count.withLock { $0 } == 2)
    }
}
