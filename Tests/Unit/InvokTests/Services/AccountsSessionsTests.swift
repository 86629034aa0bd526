import InvokSim
import TestSupport
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct AccountsSessionsTests {
    private static let password = "correct horse"

    private func register(_ rig: Rig, _ name: String = "ada", renews: Bool = true) async throws -> Session {
        try await rig.accounts.register(
            email: "\(name)@example.com", password: Self.password,
            client: LoginClient(address: "192.0.2.1", name: "invok/test", renews: renews))
    }

    private func login(_ rig: Rig, _ password: String = Self.password, renews: Bool = true) async throws -> Session {
        try await rig.accounts.login(
            email: "ada@example.com", password: password, client: LoginClient(address: "192.0.2.2", renews: renews))
    }

    private func isGood(_ token: String, _ rig: Rig) async throws -> Bool {
        let answer = await code { try await rig.accounts.authenticate(token: token) }
        // The warm path is of the same opinion.
        #expect(await code { try await rig.accounts.caller(token: token) } == answer)
        guard case .good(let claims) = rig.accounts.knowledge(of: token) else { return answer == nil }
        #expect(rig.accounts.isGood(claims) == (answer == nil))
        #expect(answer == nil || answer == .unauthenticated)
        return answer == nil
    }

    @Test func whoDoesNotRenewGetsOneTokenThatIsGoodForLong() async throws {
        let rig = Rig()
        let session = try await register(rig, renews: false)
        #expect(session.refreshToken == nil)
        rig.sim.clock.advance(by: .seconds(7 * 24 * 3600 - 1))
        #expect(try await isGood(session.token, rig))
        rig.sim.clock.advance(by: .seconds(1))
        #expect(try await !isGood(session.token, rig))
    }

    @Test func tokensAreRenewedForAsLongAsSomebodyDoes() async throws {
        let rig = Rig()
        var session = try await register(rig)
        #expect(session.lifetime == rig.settings.accessLifetime)
        for _ in 0..<20 {
            rig.sim.clock.advance(by: .seconds(6 * 24 * 3600))
            #expect(try await !isGood(session.token, rig))
            session = try await rig.accounts.refresh(#require(session.refreshToken))
            #expect(try await isGood(session.token, rig))
        }
        rig.sim.clock.advance(by: .seconds(8 * 24 * 3600))
        let last = try #require(session.refreshToken)
        #expect(await code { try await rig.accounts.refresh(last) } == .unauthenticated)
    }

    @Test func theTokenBeforeGivesTheSameForAMoment() async throws {
        let rig = Rig()
        let first = try #require(try await register(rig).refreshToken)
        let second = try await rig.accounts.refresh(first)
        rig.sim.clock.advance(by: .seconds(29))
        let again = try await rig.accounts.refresh(first)
        #expect(again.refreshToken == second.refreshToken)
        #expect(try await isGood(again.token, rig))
        _ = try await rig.accounts.refresh(#require(second.refreshToken))
    }

    @Test func aTokenThatWasUsedEndsTheFamily() async throws {
        let rig = Rig()
        let other = try await register(rig)
        let first = try await login(rig)
        let second = try await rig.accounts.refresh(#require(first.refreshToken))
        rig.sim.clock.advance(by: LoginSession.grace)
        let copied = try #require(first.refreshToken)
        #expect(await code { try await rig.accounts.refresh(copied) } == .unauthenticated)
        let good = try #require(second.refreshToken)
        #expect(await code { try await rig.accounts.refresh(good) } == .unauthenticated)
        for token in [first.token, second.token] { #expect(try await !isGood(token, rig)) }
        // Other log-ins go on.
        #expect(try await isGood(other.token, rig))
        _ = try await rig.accounts.refresh(#require(other.refreshToken))
    }

    @Test func oneKindOfTokenIsNotTheOther() async throws {
        let rig = Rig()
        let session = try await register(rig)
        let refresh = try #require(session.refreshToken)
        #expect(await code { try await rig.accounts.authenticate(token: refresh) } == .unauthenticated)
        #expect(await code { try await rig.accounts.refresh(session.token) } == .unauthenticated)
        #expect(await code { try await rig.accounts.refresh("nonsense") } == .unauthenticated)
        // Neither has ended anything.
        _ = try await rig.accounts.refresh(refresh)
    }

    @Test(arguments: [true, false])
    func loggingOutEndsOneLogin(renews: Bool) async throws {
        let rig = Rig()
        let (one, other) = (try await register(rig, renews: renews), try await login(rig, renews: renews))
        try await rig.accounts.logout(rig.accounts.authenticate(token: one.token))
        #expect(try await !isGood(one.token, rig))
        #expect(try await isGood(other.token, rig))
        if let refresh = one.refreshToken {
            #expect(await code { try await rig.accounts.refresh(refresh) } == .unauthenticated)
        }
        #expect(try await rig.accounts.sessions(of: rig.accounts.authenticate(token: other.token)).count == 1)
    }

    @Test func loggingOutEverywhereEndsAllAndNoneThatComesLater() async throws {
        let rig = Rig()
        let stranger = try await register(rig, "eve")
        let sessions = [try await register(rig), try await login(rig, renews: false)]
        try await rig.accounts.logoutEverywhere(rig.accounts.authenticate(token: sessions[0].token))
        for session in sessions { #expect(try await !isGood(session.token, rig)) }
        #expect(try await isGood(stranger.token, rig))
        // In the same millisecond.
        #expect(try await isGood(try await login(rig).token, rig))
    }

    @Test func anotherCoreKnowsWithinFifteenSeconds() async throws {
        let sim = SimWorld(seed: 1)
        let (rig, other) = (Rig(on: sim), Rig(on: sim))
        let session = try await register(rig)
        let everywhere = try await register(rig, "eve")
        #expect(try await isGood(session.token, other))
        try await rig.accounts.logout(rig.accounts.authenticate(token: session.token))
        try await rig.accounts.logoutEverywhere(rig.accounts.authenticate(token: everywhere.token))
        #expect(try await isGood(session.token, other))
        try await other.revocations.refresh()
        #expect(try await !isGood(session.token, other))
        #expect(try await !isGood(everywhere.token, other))
        // One that starts later, too.
        let third = Rig(on: sim)
        try await third.revocations.refresh()
        #expect(try await !isGood(session.token, third))
        // What is over is forgotten.
        sim.clock.advance(by: .seconds(8 * 24 * 3600))
        #expect(try await sim.store.revocations(after: 0, now: sim.clock.wallTime()).revocations.isEmpty)
    }

    @Test func sessionsAreListedAndEndedOneByOne() async throws {
        let rig = Rig()
        let stranger = try await rig.accounts.authenticate(token: register(rig, "eve").token)
        let first = try await rig.accounts.authenticate(token: register(rig).token)
        rig.sim.clock.advance(by: .seconds(1))
        let second = try await login(rig)
        let sessions = try await rig.accounts.sessions(of: first)
        #expect(sessions.map(\.address) == ["192.0.2.2", "192.0.2.1"])
        #expect(sessions.map(\.client) == ["", "invok/test"])
        #expect(sessions[1].id == first.claims?.session)
        #expect(await code { try await rig.accounts.endSession(sessions[0].id, as: stranger) } == .notFound)
        #expect(try await isGood(second.token, rig))
        try await rig.accounts.endSession(sessions[0].id, as: first)
        #expect(try await !isGood(second.token, rig))
        #expect(await code { try await rig.accounts.endSession(sessions[0].id, as: first) } == .notFound)
    }

    @Test func beyondTheLimitTheOldestEnd() async throws {
        let rig = Rig { $1.sessionsPerUser = 2 }
        var tokens = [try await register(rig).token]
        for _ in 0..<3 {
            rig.sim.clock.advance(by: .seconds(1))
            tokens.append(try await login(rig).token)
        }
        try await rig.revocations.refresh()
        for (index, token) in tokens.enumerated() { #expect(try await isGood(token, rig) == (index >= 2)) }
    }

    @Test func anotherPasswordEndsTheOtherLogins() async throws {
        let rig = Rig()
        let (one, other) = (try await register(rig), try await login(rig))
        let principal = try await rig.accounts.authenticate(token: one.token)
        func change(_ old: String, _ new: String) async throws -> Session {
            try await rig.accounts.changePassword(
                from: old, to: new, client: LoginClient(address: "192.0.2.1", renews: true), as: principal)
        }
        #expect(await code { try await change("wrong one", "a new long one") } == .wrongCredentials)
        #expect(await code { try await change(Self.password, "password1") } == .invalidPassword)
        #expect(try await isGood(other.token, rig))
        let session = try await change(Self.password, "a new long one")
        #expect(try await isGood(session.token, rig))
        for token in [one.token, other.token] { #expect(try await !isGood(token, rig)) }
        #expect(await code { try await login(rig) } == .wrongCredentials)
        _ = try await login(rig, "a new long one")
    }

    @Test func thePasswordOfALoginCannotBeGuessedWithItsToken() async throws {
        let rig = Rig { $1.attemptsPerAccount = 2 }
        let principal = try await rig.accounts.authenticate(token: register(rig).token)
        for expected in [InvokError.Code.wrongCredentials, .wrongCredentials, .tooManyRequests] {
            #expect(
                await code {
                    try await rig.accounts.changePassword(
                        from: "wrong one", to: "a new long one", client: LoginClient(address: "1"), as: principal)
                } == expected)
        }
    }

    /// Those of before there were sessions.
    @Test func anOldTokenIsGoodAndEndsWithTheLogout() async throws {
        let rig = Rig()
        let user = try await rig.user()
        let token = try await rig.token(user)
        #expect(try await isGood(token, rig))
        rig.sim.clock.advance(by: .seconds(1))
        let later = try await rig.token(user)
        try await rig.accounts.logout(rig.accounts.authenticate(token: token))
        #expect(try await !isGood(token, rig))
        #expect(try await isGood(later, rig))
    }

    @Test func aDisabledUserRenewsNothing() async throws {
        let rig = Rig()
        let session = try await register(rig)
        rig.sim.store.disable(session.user.id)
        let token = try #require(session.refreshToken)
        #expect(await code { try await rig.accounts.refresh(token) } == .unauthenticated)
    }
}
