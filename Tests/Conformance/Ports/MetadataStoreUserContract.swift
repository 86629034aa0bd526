import Invok
import Testing

/// What every `MetadataStore` promises about users and grants.
@Suite(.timeLimit(.minutes(1)))
struct MetadataStoreUserContract {
    typealias Store = Candidate<Durable<any MetadataStore>>

    @Test(arguments: Store.metadataStores)
    func theFirstUserBecomesTheAdmin(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            let first = try await store.createUser(Sample.user(Sample.ann, "ann@example.com", role: .viewer))
            let second = try await store.createUser(Sample.user(Sample.bob, "bob@example.com", role: .viewer))
            #expect(first.role == .admin)
            #expect(second == (try Sample.user(Sample.bob, "bob@example.com", role: .viewer)))
            #expect(try await store.user(Sample.ann) == first)
            #expect(try await store.user(withEmail: first.email) == first)
            #expect(try await store.user(withEmail: Email("BOB@example.com")) == second)
        }
    }

    @Test(arguments: Store.metadataStores)
    func oneOfManyFirstUsersBecomesTheAdmin(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let roles = try await withThrowingTaskGroup(of: Role.self) { group in
                for number in UInt64(1)...20 {
                    group.addTask {
                        let user = try Sample.user(UserID(high: 0, low: number), "u\(number)@example.com")
                        return try await fixture.port.createUser(user).role
                    }
                }
                return try await group.reduce(into: [Role]()) { $0.append($1) }
            }
            #expect(roles.count { $0 == .admin } == 1)
        }
    }

    @Test(arguments: Store.metadataStores)
    func refusesATakenEmailOrIdentifier(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            await expectConflict { _ = try await store.createUser(Sample.user(Sample.nobody, "ann@example.com")) }
            await expectConflict { _ = try await store.createUser(Sample.user(Sample.ann, "new@example.com")) }
            #expect(try await store.user(Sample.nobody) == nil)
            #expect(try await store.user(withEmail: Email("new@example.com")) == nil)
        }
    }

    @Test(arguments: Store.metadataStores)
    func oneOfManyGetsAnEmail(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let created = await withTaskGroup(of: Bool.self) { group in
                for number in UInt64(1)...20 {
                    group.addTask {
                        guard let user = try? Sample.user(UserID(high: 0, low: number), "one@example.com") else {
                            return false
                        }
                        return (try? await fixture.port.createUser(user)) != nil
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(created == 1)
        }
    }

    @Test(arguments: Store.metadataStores)
    func listsWhoIsDisabled(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            #expect(try await store.disabledUsers() == [])
            var bob = try #require(try await store.user(Sample.bob))
            bob.isDisabled = true
            try await store.updateUser(bob)
            #expect(try await store.disabledUsers() == [Sample.bob])
            bob.isDisabled = false
            try await store.updateUser(bob)
            #expect(try await store.disabledUsers() == [])
        }
    }

    @Test(arguments: Store.metadataStores)
    func updatesHashRoleAndDisabling(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            var bob = try #require(try await store.user(Sample.bob))
            (bob.passwordHash, bob.role, bob.isDisabled) = ("other", .viewer, true)
            try await store.updateUser(bob)
            #expect(try await store.user(Sample.bob) == bob)
            #expect(try await store.user(Sample.ann)?.passwordHash == "hash of ann@example.com")
            await #expect(throws: StoreError.notFound) {
                try await store.updateUser(Sample.user(Sample.nobody, "nobody@example.com"))
            }
        }
    }

    @Test(arguments: Store.metadataStores)
    func findsNoUserThatWasNotAdded(_ candidate: Store) async throws {
        try await candidate.run { fixture async throws in
            #expect(try await fixture.port.user(Sample.ann) == nil)
            #expect(try await fixture.port.user(withEmail: Email("ann@example.com")) == nil)
        }
    }

    @Test(arguments: Store.metadataStores)
    func keepsOneGrantPerNamespaceAndUser(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            _ = try await store.createUser(Sample.user(UserID(high: 2, low: 1), "eve@example.com"))
            let eve = Grant(namespace: Sample.ann, user: UserID(high: 2, low: 1), role: .viewer)
            try await store.putGrant(Grant(namespace: Sample.ann, user: Sample.bob, role: .viewer))
            try await store.putGrant(eve)
            try await store.putGrant(Grant(namespace: Sample.ann, user: Sample.bob, role: .admin))
            let bob = Grant(namespace: Sample.ann, user: Sample.bob, role: .admin)
            #expect(try await store.grant(namespace: Sample.ann, user: Sample.bob) == bob)
            #expect(try await store.grants(namespace: Sample.ann) == [eve, bob])
            #expect(try await store.grants(namespace: Sample.bob).isEmpty)
            try await store.removeGrant(namespace: Sample.ann, user: Sample.bob)
            try await store.removeGrant(namespace: Sample.ann, user: Sample.bob)
            #expect(try await store.grant(namespace: Sample.ann, user: Sample.bob) == nil)
            #expect(try await store.grants(namespace: Sample.ann) == [eve])
        }
    }

    @Test(arguments: Store.metadataStores)
    func grantsNothingToAUserWhoDoesNotExist(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            try await fixture.port.addUsers()
            await #expect(throws: StoreError.notFound) {
                try await fixture.port.putGrant(Grant(namespace: Sample.ann, user: Sample.nobody, role: .viewer))
            }
            #expect(try await fixture.port.grants(namespace: Sample.ann).isEmpty)
        }
    }
}

/// Runs a call that must be refused because it contradicts what is stored.
func expectConflict(sourceLocation: SourceLocation = #_sourceLocation, _ call: () async throws -> Void) async {
    do {
        try await call()
        Issue.record("no conflict", sourceLocation: sourceLocation)
    } catch StoreError.conflict {
        // What was asked for.
    } catch {
        Issue.record("\(error) is not a conflict", sourceLocation: sourceLocation)
    }
}
