import InvokSim
import Synchronization
import TestSupport
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct AccountsTests {
    private static let email = "name@example.com"
    private static let password = "correct horse"

    private func register(_ rig: Rig) async throws -> Session {
        try await rig.accounts.register(email: Self.email, password: Self.password, client: "1.2.3.4")
    }

    private func login(_ rig: Rig, _ email: String = email, _ password: String = password) async throws -> Session {
        try await rig.accounts.login(email: email, password: password, client: "1.2.3.4")
    }

    @Test func whoRegistersIsLoggedInAndCanLogInAgain() async throws {
        let rig = Rig()
        let session = try await register(rig)
        #expect(session.user.email.description == Self.email)
        #expect(try await rig.accounts.authenticate(token: session.token).user == session.user)
        let again = try await login(rig, "NAME@example.com")
        #expect(again.user.id == session.user.id)
        #expect(try await rig.accounts.authenticate(token: again.token).namespace == session.user.id)
    }

    @Test func theStoredHashIsNotThePassword() async throws {
        let rig = Rig()
        let session = try await register(rig)
        let stored = try #require(try await rig.sim.store.user(session.user.id))
        #expect(!stored.passwordHash.contains(Self.password))
    }

    @Test func anAddressIsTakenOnceAlsoWhenItIsSeenLate() async throws {
        let rig = Rig()
        _ = try await register(rig)
        #expect(await code { try await register(rig) } == .emailTaken)
        rig.store.set("createUser", .conflict)
        #expect(
            await code { try await rig.accounts.register(email: "b@b.de", password: Self.password, client: "1") }
                == .emailTaken)
    }

    @Test func badInputIsRefusedBeforeAnyWork() async throws {
        let rig = Rig()
        #expect(
            await code { try await rig.accounts.register(email: "no", password: Self.password, client: "1") }
                == .invalidEmail)
        #expect(
            await code { try await rig.accounts.register(email: Self.email, password: "short", client: "1") }
                == .invalidPassword)
        #expect(rig.sim.effects.counts["passwords.hash"] == nil)
    }

    @Test(arguments: [(email, "another one"), ("nobody@example.com", password), ("nonsense", password), (email, "x")])
    func anythingWrongHasOneAnswer(email: String, password: String) async throws {
        let rig = Rig()
        _ = try await register(rig)
        let error = await #expect(throws: InvokError.self) { try await login(rig, email, password) }
        #expect(error == .wrongCredentials)
    }

    @Test func anUnknownUserCostsTheWorkOfAKnownOne() async throws {
        let rig = Rig()
        _ = try await register(rig)
        let before = rig.sim.effects.counts
        _ = try? await login(rig, "nobody@example.com")
        let after = rig.sim.effects.counts
        func work(_ counts: [String: Int]) -> Int {
            counts["passwords.hash", default: 0] + counts["passwords.verify", default: 0]
        }
        #expect(work(after) - work(before) == 1)
    }

    @Test func aDisabledAccountIsToldSoOnlyWithItsPasswordAndItsTokenEnds() async throws {
        let rig = Rig()
        let session = try await register(rig)
        var user = session.user
        user.isDisabled = true
        try await rig.sim.store.updateUser(user)
        #expect(await code { try await login(rig) } == .accountDisabled)
        #expect(await code { try await login(rig, Self.email, "another one") } == .wrongCredentials)
        rig.sim.clock.advance(by: Accounts.userFreshness)
        #expect(await code { try await rig.accounts.authenticate(token: session.token) } == .unauthenticated)
        // The warm path knows it by the revocation list.
        #expect(try await rig.accounts.caller(token: session.token) == session.user.id)
        try await rig.system.revocations.refresh()
        #expect(await code { try await rig.accounts.caller(token: session.token) } == .unauthenticated)
    }

    /// A warm call waits for no store and no codec, also by a user whom this core has never seen.
    @Test func whoCallsIsKnownFromMemory() async throws {
        let rig = Rig()
        let user = try await rig.user()
        let token = try await rig.token(user)
        rig.store.hang(Gate())
        #expect(try await rig.accounts.caller(token: token) == user.user.id)
        #expect(await code { try await rig.accounts.caller(token: token + "x") } == .unauthenticated)
        #expect(await code { try await rig.accounts.caller(token: nil) } == .unauthenticated)
    }

    @Test func anAddressMayRegisterOnlySoOften() async throws {
        let rig = Rig { $1.attemptsPerAddress = 2 }
        _ = try await register(rig)
        #expect(await code { try await register(rig) } == .emailTaken)
        #expect(await code { try await register(rig) } == .tooManyRequests)
        rig.sim.clock.advance(by: RateLimits.window)
        #expect(await code { try await register(rig) } == .emailTaken)
    }

    @Test func anAddressMayFailOnlySoOften() async throws {
        let rig = Rig { $1.attemptsPerAddress = 2 }
        _ = try await register(rig)
        // Those that succeed count for nothing.
        for _ in 0..<5 { _ = try await login(rig) }
        for name in ["a", "nonsense"] {
            #expect(await code { try await login(rig, name == "a" ? "a@example.com" : name) } == .wrongCredentials)
        }
        let error = await #expect(throws: InvokError.self) { try await login(rig) }
        #expect(error?.code == .tooManyRequests)
        #expect(error?.retryAfterSeconds != nil)
        _ = try await rig.accounts.login(email: Self.email, password: Self.password, client: "5.6.7.8")
        rig.sim.clock.advance(by: RateLimits.window)
        _ = try await login(rig)
    }

    @Test func whoGuessesAtAnAccountLocksNobodyElsewhereOut() async throws {
        let rig = Rig { $1.attemptsPerAccount = 3 }
        _ = try await register(rig)
        for _ in 0..<3 {
            #expect(
                await code { try await rig.accounts.login(email: Self.email, password: "wrong one", client: "9") }
                    == .wrongCredentials)
        }
        for password in ["wrong one", Self.password] {
            #expect(
                await code { try await rig.accounts.login(email: Self.email, password: password, client: "9") }
                    == .tooManyRequests)
        }
        _ = try await login(rig)
    }

    /// Strangers share its address, and use up what that may try.
    @Test func aDeviceThatSucceededHasAttemptsOfItsOwn() async throws {
        let rig = Rig {
            $1.attemptsPerAccount = 3
            $1.attemptsPerAddress = 3
        }
        let device = try await rig.accounts.register(
            email: Self.email, password: Self.password, client: LoginClient(address: "9", renews: true)
        ).refreshToken
        let other = try await rig.accounts.register(
            email: "other@example.com", password: Self.password, client: LoginClient(address: "8", renews: true)
        ).refreshToken
        func login(_ token: String?, _ password: String = Self.password) async throws -> Session {
            try await rig.accounts.login(
                email: Self.email, password: password, client: LoginClient(address: "9", earlier: token))
        }
        for _ in 0..<3 { #expect(await code { try await login(nil, "wrong one") } == .wrongCredentials) }
        for token in [nil, other, "nonsense"] { #expect(await code { try await login(token) } == .tooManyRequests) }
        _ = try await login(device)
        for _ in 0..<3 { #expect(await code { try await login(device, "wrong one") } == .wrongCredentials) }
        #expect(await code { try await login(device) } == .tooManyRequests)
    }

    @Test func anOldHashIsReplacedAtLogin() async throws {
        let rig = Rig { world, _ in world.passwords = SimPasswordHasher(generation: 2) }
        let session = try await rig.oldUser(Self.email, Self.password)
        _ = try await login(rig)
        let stored = try #require(try await rig.sim.store.user(session.id))
        #expect(stored.passwordHash.hasPrefix("sim$2$"))
        _ = try await login(rig)
    }

    @Test func whatCannotBeHashedAnewKeepsNobodyOut() async throws {
        let rig = Rig { world, _ in world.passwords = SimPasswordHasher(generation: 2) }
        _ = try await rig.oldUser(Self.email, Self.password)
        rig.store.set("updateUser", .refused)
        _ = try await login(rig)
    }

    /// Hashing takes long: who is disabled meanwhile stays so.
    @Test func hashingAnewDoesNotUndoWhatChangedMeanwhile() async throws {
        let sim = SimWorld(seed: 1)
        let rig = Rig(on: sim) { world, _ in
            world.passwords = MeddlingHasher(base: SimPasswordHasher(generation: 2)) {
                guard var user = try? await sim.store.user(withEmail: Email(Self.email)) else { return }
                user.isDisabled = true
                try? await sim.store.updateUser(user)
            }
        }
        let user = try await rig.oldUser(Self.email, Self.password)
        _ = try await login(rig)
        let stored = try #require(try await sim.store.user(user.id))
        #expect(stored.isDisabled)
        #expect(stored.passwordHash.hasPrefix("sim$2$"))
    }

    @Test(arguments: [(PasswordHashError.busy, InvokError.Code.noCapacity), (.outOfMemory, .unavailable)])
    func aHashThatCannotBeMadeIsNotStored(failure: PasswordHashError, expected: InvokError.Code) async throws {
        let rig = Rig { world, _ in world.passwords = FailingHasher(failure: failure) }
        #expect(await code { try await register(rig) } == expected)
        #expect(try await rig.sim.store.user(withEmail: Email(Self.email)) == nil)
        _ = try await rig.oldUser(Self.email, Self.password)
        #expect(await code { try await login(rig) } == expected)
    }

    @Test(arguments: [nil, "", "nonsense", "sim.x.0.0.y"])
    func aTokenThatIsNoneProvesNothing(token: String?) async throws {
        #expect(await code { try await Rig().accounts.authenticate(token: token) } == .unauthenticated)
    }

    @Test func aTokenExpires() async throws {
        let rig = Rig { $1.tokenLifetime = .seconds(10) }
        let session = try await register(rig)
        rig.sim.clock.advance(by: .seconds(9))
        _ = try await rig.accounts.authenticate(token: session.token)
        rig.sim.clock.advance(by: .seconds(1))
        #expect(await code { try await rig.accounts.authenticate(token: session.token) } == .unauthenticated)
    }

    /// Warm calls go on by what is in memory, for as long as the operator allows.
    @Test func withTheStoreAwayTheAPIBelievesNobodyForLong() async throws {
        let rig = Rig { $1.beliefLifetime = .seconds(60) }
        let known = try await register(rig)
        _ = try await rig.accounts.authenticate(token: known.token)
        let run = Task { await rig.revocations.run() }
        await rig.sim.clock.waitForSleepers()
        rig.store.isAway = true
        #expect(try await rig.accounts.authenticate(token: known.token).user.id == known.user.id)
        rig.sim.clock.advance(by: Accounts.userFreshness)
        #expect(await code { try await rig.accounts.authenticate(token: known.token) } == .unavailable)
        #expect(try await rig.accounts.caller(token: known.token) == known.user.id)
        while await code({ try await rig.accounts.caller(token: known.token) }) == nil {
            await rig.sim.clock.waitForSleepers()
            rig.sim.clock.advance(by: .seconds(10))
        }
        #expect(await code { try await rig.accounts.caller(token: known.token) } == .unavailable)
        rig.store.isAway = false
        while await code({ try await rig.accounts.caller(token: known.token) }) != nil {
            await rig.sim.clock.waitForSleepers()
            rig.sim.clock.advance(by: .seconds(1))
            await Task.yield()
        }
        #expect(try await rig.accounts.caller(token: known.token) == known.user.id)
        run.cancel()
        await run.value
    }
}

extension Rig {
    /// A user whose password was hashed with earlier parameters.
    fileprivate func oldUser(_ email: String, _ password: String) async throws -> User {
        let hash = try await SimPasswordHasher(generation: 1).hash(Password(password))
        return try await sim.store.createUser(
            User(
                id: UUIDValue(randomness: system.world.randomness), email: Email(email), passwordHash: hash,
                role: .developer, createdAt: system.world.clock.wallTime()))
    }
}

private struct FailingHasher: PasswordHasher {
    let failure: PasswordHashError

    func hash(_ password: Password) async throws(PasswordHashError) -> String { throw failure }
    func verify(_ password: Password, against hash: String) async throws(PasswordHashError) -> Bool { throw failure }
    func needsRehash(_ hash: String) -> Bool { false }
}
