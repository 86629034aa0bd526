import Invok
import Testing

/// What every `MetadataStore` promises about functions, and about keeping what it has acknowledged.
@Suite(.timeLimit(.minutes(1)))
struct MetadataStoreFunctionContract {
    typealias Store = Candidate<Durable<any MetadataStore>>

    @Test(arguments: Store.metadataStores)
    func listsANamespaceByNameWithActiveVersions(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            for name in ["b", "a-1", "a", "a1"] { try await store.deploy(Sample.key(Sample.ann, name)) }
            _ = try await store.beginVersion(Sample.draft(Sample.key(Sample.ann, "c")), access: .private)
            try await store.deploy(Sample.key(Sample.bob, "a"), 2)
            let records = try await store.functions(in: Sample.ann)
            #expect(records.map(\.function.key.name.description) == ["a", "a-1", "a1", "b", "c"])
            #expect(records.map { $0.active?.key.number } == [1, 1, 1, 1, nil])
            #expect(
                records[0].active
                    == (try await store.version(VersionKey(function: Sample.key(Sample.ann, "a"), number: 1))))
            #expect(try await store.functions(in: Sample.nobody).isEmpty)
        }
    }

    @Test(arguments: Store.metadataStores)
    func listsActiveFunctionsOfAllNamespacesByKey(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            try await store.deploy(Sample.key(Sample.bob, "a"), 2)
            try await store.deploy(Sample.key(Sample.ann, "z"), 1)
            _ = try await store.beginVersion(Sample.draft(Sample.key(Sample.ann, "c")), access: .private)
            let records = try await store.activeFunctions()
            #expect(records.map(\.function.key) == [try Sample.key(Sample.ann, "z"), try Sample.key(Sample.bob, "a")])
            #expect(records.map { $0.active?.bundle } == [Sample.bundle(1), Sample.bundle(2)])
            for record in records {
                #expect(try await store.function(record.function.key) == record.function)
                let active = try #require(record.active)
                var version = try #require(try await store.version(active.key))
                #expect(!version.buildLog.isEmpty)
                version.buildLog = ""
                #expect(version == active)
            }
        }
    }

    @Test(arguments: Store.metadataStores)
    func oneNameInTwoNamespacesIsTwoFunctions(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let own = try await store.deploy(Sample.key(Sample.ann), 1)
            let other = try await store.deploy(Sample.key(Sample.bob), 2)
            #expect(own.number == 1 && other.number == 1)
            #expect(try await store.version(own)?.artifact == Digest(of: [1]))
            #expect(try await store.version(other)?.artifact == Digest(of: [2]))
            try await store.deleteFunction(Sample.key(Sample.bob))
            #expect(try await store.function(Sample.key(Sample.ann))?.activeVersion == 1)
        }
    }

    @Test(arguments: Store.metadataStores)
    func setsTheAccess(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            try await store.deploy(Sample.key())
            try await store.setAccess(.public, of: Sample.key(), at: Sample.time(7))
            #expect(try await store.function(Sample.key())?.access == .public)
            #expect(try await store.function(Sample.key())?.updatedAt == Sample.time(7))
            #expect(try await store.function(Sample.key())?.activeVersion == 1)
            await #expect(throws: StoreError.notFound) {
                try await store.setAccess(.public, of: Sample.key(Sample.bob), at: Sample.time(7))
            }
        }
    }

    @Test(arguments: Store.metadataStores)
    func deletingTakesTheVersionsAndKeepsTheNumbers(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let first = try await store.deploy(Sample.key())
            try await store.deploy(Sample.key(), 2, expectedActive: 1)
            try await store.deleteFunction(Sample.key())
            #expect(try await store.function(Sample.key()) == nil)
            #expect(try await store.version(first) == nil)
            #expect(try await store.versions(of: Sample.key()).isEmpty)
            #expect(try await store.functions(in: Sample.ann).isEmpty)
            #expect(try await store.activeFunctions().isEmpty)
            await #expect(throws: StoreError.notFound) { try await store.deleteFunction(Sample.key()) }
            await #expect(throws: StoreError.notFound) {
                try await store.activate(first, expectedActive: nil, at: Sample.time(9))
            }
            let again = try await fixture.reopen().beginVersion(Sample.draft(Sample.key(), 3), access: .public)
            #expect(again.key.number == 3)
            #expect(try await store.function(Sample.key())?.access == .public)
        }
    }

    @Test(arguments: Store.metadataStores)
    func keepsWhatItAcknowledged(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let key = try Sample.key()
            let version = try await store.deploy(key, access: .public)
            try await store.putGrant(Grant(namespace: Sample.ann, user: Sample.bob, role: .viewer))
            let reopened = try await fixture.reopen()
            #expect(try await reopened.user(Sample.ann) == (try await store.user(Sample.ann)))
            #expect(try await reopened.user(Sample.ann)?.role == .admin)
            #expect(try await reopened.version(version) == (try await store.version(version)))
            #expect(try await reopened.version(version)?.settings == (try Sample.settings()))
            #expect(try await reopened.function(key) == (try await store.function(key)))
            #expect(try await reopened.grants(namespace: Sample.ann).map(\.user) == [Sample.bob])
        }
    }

    @Test(arguments: Store.metadataStores)
    func serves(_ candidate: Store) async throws {
        try await candidate.run { try await $0.port.check() }
    }
}
