import InvokSim
import TestSupport
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct RegistrationsTests {
    private static let password = "correct horse"
    private static let setupCode = "AAAA-BBBB-CCCC-DDDD"

    private func rig(_ registration: Registration, takesSetupCode: Bool = false) -> Rig {
        Rig { _, settings in
            settings.registration = registration
            if takesSetupCode { settings.setupCode = Passcode.digest(of: Self.setupCode) }
        }
    }

    private func register(_ rig: Rig, _ name: String, code: String? = nil) async throws -> Session {
        try await rig.accounts.register(
            email: "\(name)@example.com", password: Self.password, code: code, client: "192.0.2.1")
    }

    @Test func theFirstAccountTakesTheSetupCodeAndIsTheAdmin() async throws {
        for registration in Registration.allCases {
            let rig = rig(registration, takesSetupCode: true)
            #expect(try await rig.registrations.awaitsSetup())
            for wrong in [nil, "", "AAAA-BBBB-CCCC-DDDE"] {
                #expect(await code { try await register(rig, "eve", code: wrong) } == .registrationClosed)
            }
            let admin = try await register(rig, "ada", code: "aaaa bbbb cccc dddd")
            #expect(admin.user.role == .admin)
            #expect(try await !rig.registrations.awaitsSetup())
            // It is good once.
            #expect(await code { try await register(rig, "eve", code: Self.setupCode) } == .registrationClosed)
            #expect(try await rig.sim.store.users(after: nil, limit: 10).map(\.id) == [admin.user.id])
        }
    }

    @Test func ofTwoFirstAccountsOneIsMade() async throws {
        let sim = SimWorld(seed: 1)
        let user = User(
            id: UUIDValue(high: 1, low: 1), email: try Email("first@example.com"), passwordHash: "", role: .developer,
            createdAt: sim.clock.wallTime())
        let rig = Rig(on: sim) { world, settings in
            settings.setupCode = Passcode.digest(of: Self.setupCode)
            // Hashing takes long enough for somebody else to be first.
            world.passwords = MeddlingHasher(base: SimPasswordHasher()) { _ = try? await sim.store.createUser(user) }
        }
        #expect(await code { try await register(rig, "ada", code: Self.setupCode) } == .registrationClosed)
        #expect(try await sim.store.users(after: nil, limit: 10).map(\.id) == [user.id])
    }

    @Test func withoutAnInvitationNobodyLearnsWhetherAnAddressIsTaken() async throws {
        for registration in [Registration.invite, .closed] {
            let rig = rig(registration)
            _ = try await rig.user("taken")
            for code in [nil, "AAAA-BBBB-CCCC-DDDD"] {
                var (answers, work): ([InvokError?], [[String: Int]]) = ([], [])
                for name in ["taken", "free"] {
                    let before = rig.sim.effects.counts
                    answers.append(await #expect(throws: InvokError.self) { try await register(rig, name, code: code) })
                    work.append(rig.sim.effects.counts.filter { before[$0.key] != $0.value }.mapValues { _ in 1 })
                }
                #expect(answers[0]?.code == .registrationClosed && answers[0] == answers[1])
                #expect(work[0] == work[1])
                #expect(work[0]["store.userWithEmail"] == nil && work[0]["passwords.hash"] == nil)
            }
        }
    }

    @Test func whereEverybodyMayATakenAddressIsAConflict() async throws {
        let rig = rig(.open)
        _ = try await register(rig, "ada")
        #expect(await code { try await register(rig, "ada") } == .emailTaken)
    }

    @Test func anInvitationIsGoodOnceAndSaysTheRole() async throws {
        let rig = rig(.invite)
        let admin = try await rig.user("admin")
        let made = try await rig.registrations.invite(as: .viewer, for: .seconds(60), by: admin)
        #expect(made.invitation.code == made.code.digest && made.invitation.createdBy == admin.user.id)
        #expect(try await rig.registrations.invitations(as: admin) == [made.invitation])
        let guest = try await register(rig, "guest", code: made.code.description.lowercased())
        #expect(guest.user.role == .viewer)
        #expect(await code { try await register(rig, "again", code: made.code.description) } == .registrationClosed)
        #expect(try await rig.registrations.invitations(as: admin).isEmpty)
    }

    @Test func anInvitationStaysGoodWhereTheAddressIsTaken() async throws {
        let rig = rig(.invite)
        let admin = try await rig.user("admin")
        let made = try await rig.registrations.invite(as: .developer, for: .seconds(60), by: admin)
        let text = made.code.description
        #expect(await code { try await register(rig, "admin", code: text) } == .emailTaken)
        #expect(try await register(rig, "other", code: text).user.role == .developer)
    }

    @Test func anInvitationEndsAndCanBeRevoked() async throws {
        let rig = rig(.invite)
        let admin = try await rig.user("admin")
        let ending = try await rig.registrations.invite(as: .developer, for: .seconds(60), by: admin)
        rig.sim.clock.advance(by: .seconds(60))
        #expect(
            await code { try await register(rig, "late", code: ending.code.description) } == .registrationClosed)
        #expect(try await rig.registrations.invitations(as: admin).isEmpty)
        let revoked = try await rig.registrations.invite(as: .developer, for: .seconds(60), by: admin)
        try await rig.registrations.revoke(revoked.invitation.id, as: admin)
        #expect(
            await code { try await register(rig, "late", code: revoked.code.description) } == .registrationClosed)
        #expect(await code { try await rig.registrations.revoke(revoked.invitation.id, as: admin) } == .notFound)
    }

    @Test func adminsAloneInvite() async throws {
        let rig = rig(.invite)
        let admin = try await rig.user("admin")
        let made = try await rig.registrations.invite(as: .developer, for: .seconds(60), by: admin)
        for role in [Role.developer, .viewer] {
            let user = try await rig.user("\(role)", role: role)
            #expect(
                await code { try await rig.registrations.invite(as: .viewer, for: .seconds(60), by: user).code }
                    == .forbidden)
            #expect(await code { try await rig.registrations.invitations(as: user) } == .forbidden)
            #expect(await code { try await rig.registrations.revoke(made.invitation.id, as: user) } == .forbidden)
        }
        #expect(try await rig.registrations.invitations(as: admin).count == 1)
    }

    @Test func whatCannotBeAnInvitationIsExplained() async throws {
        let admin = try await rig(.invite).user("admin")
        for lifetime in [Duration.zero, .seconds(-1), .seconds(91 * 86_400)] {
            #expect(
                await code { try await rig(.invite).registrations.invite(as: .viewer, for: lifetime, by: admin).code }
                    == .invalidRequest)
        }
        #expect(
            await code { try await rig(.closed).registrations.invite(as: .viewer, for: .seconds(1), by: admin).code }
                == .conflict)
    }
}
