import Invok
import Testing

/// What every `AccountStore` promises about users and invitations.
@Suite(.timeLimit(.minutes(1)))
struct AccountStoreContract {
    typealias Store = Candidate<Durable<any MetadataStore & SealedStore & AccountStore>>

    private func invitation(_ number: UInt8, role: Role = .viewer, until seconds: Int64 = 100) -> Invitation {
        Invitation(
            id: UUIDValue(high: 7, low: UInt64(number)), code: Digest(of: [number]), role: role, createdBy: Sample.ann,
            createdAt: Sample.time(Int64(number)), expiresAt: Sample.time(seconds))
    }

    @Test(arguments: Store.sealedStores)
    func listsUsersByAddressInPages(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            #expect(try await !store.hasUsers())
            for (number, name) in ["m", "b-c", "b", "ü", "z", "a"].enumerated() {
                _ = try await store.createUser(
                    Sample.user(UserID(high: 0, low: UInt64(number)), "\(name)@example.com"))
            }
            #expect(try await store.hasUsers())
            var seen: [User] = []
            while true {
                let page = try await store.users(after: seen.last?.email, limit: 4)
                seen += page
                guard page.count == 4 else { break }
            }
            #expect(seen.map { String($0.email.description.prefix { $0 != "@" }) } == ["a", "b-c", "b", "m", "z", "ü"])
            #expect(try await store.user(seen[3].id) == seen[3])
        }
    }

    @Test(arguments: Store.sealedStores)
    func aTicketForTheFirstIsGoodForOne(_ candidate: Store) async throws {
        try await candidate.run { fixture async throws in
            let store = fixture.port
            let made = await withTaskGroup(of: Bool.self) { group in
                for number in UInt64(1)...10 {
                    group.addTask {
                        guard let user = try? Sample.user(UserID(high: 0, low: number), "u\(number)@example.com") else {
                            return false
                        }
                        return (try? await store.createUser(user, by: .first))?.role == .admin
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(made == 1)
            await #expect(throws: StoreError.notFound) {
                _ = try await store.createUser(Sample.user(Sample.ann, "ann@example.com"), by: .first)
            }
            #expect(try await store.users(after: nil, limit: 100).count == 1)
        }
    }

    @Test(arguments: Store.sealedStores)
    func anInvitationMakesOneUserOfItsRole(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let invitation = invitation(1, role: .admin)
            try await store.addInvitation(invitation, limit: 10)
            let ticket = Ticket.invitation(invitation.code, now: Sample.time(99))
            // What fails uses nothing up.
            await expectConflict {
                _ = try await store.createUser(Sample.user(Sample.nobody, "ann@example.com"), by: ticket)
            }
            #expect(try await fixture.reopen().invitation(invitation.code) == invitation)
            let made = await withTaskGroup(of: Bool.self) { group in
                for number in UInt64(1)...10 {
                    group.addTask {
                        guard let user = try? Sample.user(UserID(high: 3, low: number), "u\(number)@example.com") else {
                            return false
                        }
                        return (try? await store.createUser(user, by: ticket))?.role == .admin
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(made == 1)
            #expect(try await fixture.reopen().invitation(invitation.code) == nil)
            #expect(try await store.users(after: nil, limit: 100).count == 3)
        }
    }

    @Test(arguments: Store.sealedStores)
    func anInvitationThatHasEndedMakesNobody(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            try await store.addInvitation(invitation(1), limit: 10)
            for ticket in [
                Ticket.invitation(invitation(1).code, now: Sample.time(100)),
                .invitation(invitation(2).code, now: Sample.time(1)),
            ] {
                await #expect(throws: StoreError.notFound) {
                    _ = try await store.createUser(Sample.user(Sample.nobody, "new@example.com"), by: ticket)
                }
            }
            #expect(try await store.user(Sample.nobody) == nil)
        }
    }

    @Test(arguments: Store.sealedStores)
    func invitationsAreListedRemovedAndFew(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            let (one, two, three) = (invitation(1, until: 3), invitation(2), invitation(3))
            try await store.addInvitation(two, limit: 2)
            try await store.addInvitation(one, limit: 2)
            #expect(try await fixture.reopen().invitations() == [one, two])
            // By the time of the third, the first has ended, and makes room.
            try await store.addInvitation(three, limit: 2)
            #expect(try await store.invitations() == [two, three])
            await expectConflict { try await store.addInvitation(invitation(4), limit: 2) }
            #expect(try await store.removeInvitation(two.id))
            #expect(try await !store.removeInvitation(two.id))
            #expect(try await fixture.reopen().invitations() == [three])
        }
    }
}
