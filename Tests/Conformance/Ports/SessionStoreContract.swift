import Invok
import Testing

/// What every `AccountStore` promises about sessions and revocations.
@Suite(.timeLimit(.minutes(1)))
struct SessionStoreContract {
    typealias Store = Candidate<Durable<any MetadataStore & SealedStore & AccountStore>>

    private func session(
        _ number: UInt64, of user: UserID = Sample.ann, at seconds: Int64 = 1, until end: Int64 = 1000
    ) -> LoginSession {
        LoginSession(
            id: UUIDValue(high: 5, low: number), user: user, client: "invok/1 \u{1F600}", address: "192.0.2.\(number)",
            createdAt: Sample.time(seconds), usedAt: Sample.time(seconds), expiresAt: Sample.time(end),
            renewedAt: Sample.time(seconds))
    }

    private func revoked(_ store: any AccountStore, after epoch: Int = 0) async throws -> [Revocation] {
        try await store.revocations(after: epoch, now: Sample.time(0)).revocations
    }

    @Test(arguments: Store.sealedStores)
    func keepsTheSessionsOfAUser(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let (one, two, bobs) = (session(1), session(2, at: 2), session(3, of: Sample.bob))
            for each in [one, two, bobs] {
                #expect(try await store.addSession(each, limit: 10, until: Sample.time(1000)) == each)
            }
            #expect(try await fixture.reopen().sessions(of: Sample.ann, now: Sample.time(3)) == [two, one])
            #expect(try await store.sessions(of: Sample.ann, now: Sample.time(1000)).isEmpty)
            await #expect(throws: StoreError.notFound) {
                _ = try await store.addSession(session(4, of: Sample.nobody), limit: 10, until: Sample.time(1000))
            }
            #expect(try await revoked(store).isEmpty)
        }
    }

    @Test(arguments: Store.sealedStores)
    func renewsASessionOnceForEachToken(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let id = try await store.addSession(session(1), limit: 10, until: Sample.time(1000)).id
            let renewed = await withTaskGroup(of: LoginSession.Renewal?.self) { group -> [LoginSession.Renewal?: Int] in
                for _ in 0..<10 {
                    group.addTask {
                        try? await store.renewSession(
                            id, generation: 0, lifetime: .seconds(500), now: Sample.time(2))?.renewal
                    }
                }
                return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(renewed == [.renewed: 1, .repeated: 9])
            let stored = try #require(try await fixture.reopen().sessions(of: Sample.ann, now: Sample.time(3)).first)
            #expect(stored.generation == 1 && stored.renewedAt == Sample.time(2) && stored.usedAt == Sample.time(2))
            #expect(stored.expiresAt == Sample.time(502) && stored.createdAt == Sample.time(1))
            let none = try await store.renewSession(
                UUIDValue(high: 0, low: 0), generation: 0, lifetime: .seconds(1), now: Sample.time(2))
            #expect(none == nil)
        }
    }

    @Test(arguments: Store.sealedStores)
    func aTokenThatWasCopiedEndsItsSession(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let id = try await store.addSession(session(1), limit: 10, until: Sample.time(1000)).id
            for generation in 0..<2 {
                _ = try await store.renewSession(
                    id, generation: generation, lifetime: .seconds(999), now: Sample.time(2))
            }
            let copied = try await store.renewSession(
                id, generation: 0, lifetime: .seconds(999), now: Sample.time(3))
            #expect(copied?.renewal == .refused)
            #expect(try await fixture.reopen().sessions(of: Sample.ann, now: Sample.time(3)).isEmpty)
            #expect(try await revoked(store) == [.session(id, until: Sample.time(1001))])
            #expect(
                try await store.renewSession(id, generation: 2, lifetime: .seconds(1), now: Sample.time(3)) == nil)
        }
    }

    @Test(arguments: Store.sealedStores)
    func endsOneSessionOfItsUser(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            for number in UInt64(1)...2 {
                _ = try await store.addSession(session(number), limit: 10, until: Sample.time(1000))
            }
            let id = session(1).id
            #expect(try await !store.endSession(id, of: Sample.bob, now: Sample.time(2)))
            #expect(try await store.endSession(id, of: Sample.ann, now: Sample.time(2)))
            #expect(try await !store.endSession(id, of: Sample.ann, now: Sample.time(2)))
            #expect(try await store.sessions(of: Sample.ann, now: Sample.time(2)).map(\.id) == [session(2).id])
            #expect(try await fixture.reopen().revocations(after: 0, now: Sample.time(2)).revocations.count == 1)
        }
    }

    @Test(arguments: Store.sealedStores)
    func endsAllSessionsAndSetsThePassword(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let bobs = try await store.addSession(session(9, of: Sample.bob), limit: 10, until: Sample.time(1000))
            for number in UInt64(1)...3 {
                _ = try await store.addSession(session(number), limit: 10, until: Sample.time(1000))
            }
            _ = try await store.endSession(session(1).id, of: Sample.ann, now: Sample.time(2))
            try await store.endSessions(
                of: Sample.ann, passwordHash: "other", now: Sample.time(3), until: Sample.time(1003))
            #expect(try await store.user(Sample.ann)?.passwordHash == "other")
            #expect(try await store.sessions(of: Sample.ann, now: Sample.time(3)).isEmpty)
            #expect(try await store.sessions(of: Sample.bob, now: Sample.time(3)) == [bobs])
            // One entry stands for all of them.
            let end = Sample.time(3).next
            #expect(
                try await fixture.reopen().revocations(after: 0, now: Sample.time(3)).revocations
                    == [.logins(of: Sample.ann, before: end, until: Sample.time(1003))])
            // A core whose clock is behind does not make a session that is over at once.
            let late = try await store.addSession(session(4, at: 2), limit: 10, until: Sample.time(1000))
            #expect(late.createdAt == end)
            await #expect(throws: StoreError.notFound) {
                try await store.endSessions(
                    of: Sample.nobody, passwordHash: nil, now: Sample.time(3), until: Sample.time(4))
            }
        }
    }

    @Test(arguments: Store.sealedStores)
    func beyondTheLimitTheOldestLoginsEnd(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            for number in 1...3 {
                _ = try await store.addSession(
                    session(UInt64(number), at: Int64(number)), limit: 2, until: Sample.time(1000))
            }
            #expect(
                try await store.sessions(of: Sample.ann, now: Sample.time(3)).map(\.id)
                    == [session(3).id, session(2).id])
            #expect(
                try await revoked(store)
                    == [.logins(of: Sample.ann, before: Sample.time(1).next, until: Sample.time(1000))])
        }
    }

    @Test(arguments: Store.sealedStores)
    func tellsWhatWasTakenBackSinceTheLastLook(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            for number in 1...3 {
                _ = try await store.addSession(
                    session(UInt64(number), until: number == 1 ? 10 : 1000), limit: 10, until: Sample.time(1000))
            }
            #expect(
                try await store.revocations(after: 0, now: Sample.time(2)) == RevocationPage(epoch: 0, revocations: []))
            _ = try await store.endSession(session(1).id, of: Sample.ann, now: Sample.time(2))
            let first = try await store.revocations(after: 0, now: Sample.time(2))
            #expect(first.revocations == [.session(session(1).id, until: Sample.time(10))])
            _ = try await store.endSession(session(2).id, of: Sample.ann, now: Sample.time(3))
            let second = try await fixture.reopen().revocations(after: first.epoch, now: Sample.time(3))
            #expect(second.revocations == [.session(session(2).id, until: Sample.time(1000))])
            #expect(second.epoch > first.epoch)
            let third = try await store.revocations(after: second.epoch, now: Sample.time(3))
            #expect(third == RevocationPage(epoch: second.epoch, revocations: []))
            // What has expired need not be known, and its number is not used again.
            #expect(try await store.revocations(after: 0, now: Sample.time(10)).revocations == second.revocations)
            _ = try await store.endSession(session(3).id, of: Sample.ann, now: Sample.time(2000))
            let fourth = try await fixture.reopen().revocations(after: second.epoch, now: Sample.time(4))
            #expect(fourth.revocations.count == 1 && fourth.epoch > second.epoch)
        }
    }

    /// Nobody who reads while others write misses one for good.
    @Test(arguments: Store.sealedStores)
    func noneOfManyAtOnceIsMissed(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            for number in UInt64(1)...20 {
                _ = try await store.addSession(
                    session(number, of: number.isMultiple(of: 2) ? Sample.ann : Sample.bob), limit: 100,
                    until: Sample.time(1000))
            }
            let seen = try await withThrowingTaskGroup(of: Void.self) { group in
                for number in UInt64(1)...20 {
                    let session = session(number, of: number.isMultiple(of: 2) ? Sample.ann : Sample.bob)
                    group.addTask { _ = try await store.endSession(session.id, of: session.user, now: Sample.time(2)) }
                }
                var (epoch, seen) = (0, 0)
                while seen < 20 {
                    let page = try await store.revocations(after: epoch, now: Sample.time(2))
                    (epoch, seen) = (page.epoch, seen + page.revocations.count)
                    await Task.yield()
                }
                try await group.waitForAll()
                return seen
            }
            #expect(seen == 20)
        }
    }
}
