import Invok
import Testing

/// What every `MetadataStore` promises about quotas.
@Suite(.timeLimit(.minutes(1)))
struct MetadataStoreQuotaContract {
    typealias Store = Candidate<Durable<any MetadataStore>>

    private func draft(_ function: FunctionKey, _ content: UInt8, megabytes: Int) throws -> VersionDraft {
        VersionDraft(
            function: function, artifact: Digest(of: [content]), artifactBytes: megabytes << 20,
            settings: try Sample.settings(), createdBy: Sample.ann, createdAt: Sample.time(2))
    }

    private func built(_ content: UInt8, megabytes: Int) -> BuiltVersion {
        BuiltVersion(bundle: Sample.bundle(content), bundleBytes: megabytes << 20, buildLog: "")
    }

    private func expectExcess(
        _ name: Quota.Name, value: Int, used: Int, sourceLocation: SourceLocation = #_sourceLocation,
        _ call: () async throws -> Void
    ) async {
        await #expect(
            throws: StoreError.exceeded(QuotaExcess(name, value: value, used: used)), sourceLocation: sourceLocation
        ) { try await call() }
    }

    @Test(arguments: Store.metadataStores)
    func keepsOverridesOfSingleUsers(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            #expect(try await store.quotaOverrides() == [:])
            try await store.setQuota(.functions, of: Sample.ann, to: 3)
            try await store.setQuota(.functions, of: Sample.ann, to: Quota.unlimited)
            try await store.setQuota(.storageMB, of: Sample.ann, to: 0)
            try await store.setQuota(.builds, of: Sample.bob, to: 7)
            try await store.setQuota(.builds, of: Sample.bob, to: nil)
            try await store.setQuota(.builds, of: Sample.bob, to: nil)
            let expected: [UserID: Quota.Overrides] = [
                Sample.ann: [.functions: Quota.unlimited, .storageMB: 0]
            ]
            #expect(try await store.quotaOverrides() == expected)
            #expect(try await fixture.reopen().quotaOverrides() == expected)
            for value in [1, nil] {
                await #expect(throws: StoreError.notFound) {
                    try await store.setQuota(.functions, of: Sample.nobody, to: value)
                }
            }
        }
    }

    @Test(arguments: Store.metadataStores)
    func knowsTheOnlyUser(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            #expect(try await store.onlyUser() == nil)
            _ = try await store.createUser(Sample.user(Sample.ann, "ann@example.com"))
            #expect(try await store.onlyUser() == Sample.ann)
            _ = try await store.createUser(Sample.user(Sample.bob, "bob@example.com"))
            #expect(try await store.onlyUser() == nil)
        }
    }

    @Test(arguments: Store.metadataStores)
    func countsFunctionsOfTheNamespaceOnly(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let quota = Quota([.functions: 2])
            for name in ["a", "b"] {
                _ = try await store.beginVersion(
                    draft(Sample.key(Sample.ann, name), 1, megabytes: 0), access: .private, within: quota)
            }
            await expectExcess(.functions, value: 2, used: 2) {
                _ = try await store.beginVersion(
                    draft(Sample.key(Sample.ann, "c"), 1, megabytes: 0), access: .private, within: quota)
            }
            #expect(try await store.function(Sample.key(Sample.ann, "c")) == nil)
            #expect(try await store.usage(of: Sample.ann) == StoredUsage(functions: 2))
            // Neither another version nor another namespace's function is one more.
            for key in [try Sample.key(Sample.ann, "a"), try Sample.key(Sample.bob, "c")] {
                _ = try await store.beginVersion(draft(key, 2, megabytes: 0), access: .private, within: quota)
            }
            try await store.deleteFunction(Sample.key(Sample.ann, "b"))
            let again = try await store.beginVersion(
                draft(Sample.key(Sample.ann, "c"), 1, megabytes: 0), access: .private, within: quota)
            // What was refused has taken no number.
            #expect(again.key.number == 1)
        }
    }

    @Test(arguments: Store.metadataStores)
    func countsEachArchiveAndBundleOnce(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let quota = Quota([.storageMB: 10])
            let key = try Sample.key()
            let first = try await store.beginVersion(draft(key, 1, megabytes: 4), access: .private, within: quota).key
            try await store.activateBuilt(
                first, as: built(1, megabytes: 5), expectedActive: nil, access: nil, within: quota, at: Sample.time(3))
            #expect(try await store.usage(of: Sample.ann) == StoredUsage(functions: 1, bytes: 9 << 20))
            // The same again takes nothing more.
            let second = try await store.beginVersion(draft(key, 1, megabytes: 4), access: .private, within: quota).key
            try await store.activateBuilt(
                second, as: built(1, megabytes: 5), expectedActive: 1, access: nil, within: quota, at: Sample.time(4))
            #expect(try await store.usage(of: Sample.ann).bytes == 9 << 20)
            await expectExcess(.storageMB, value: 10, used: 9) {
                _ = try await store.beginVersion(draft(key, 2, megabytes: 2), access: .private, within: quota)
            }
            let third = try await store.beginVersion(draft(key, 3, megabytes: 1), access: .private, within: quota).key
            await expectExcess(.storageMB, value: 10, used: 10) {
                try await store.activateBuilt(
                    third, as: built(3, megabytes: 1), expectedActive: 2, access: .public, within: quota,
                    at: Sample.time(5))
            }
            #expect(try await store.version(third)?.state == .building)
            #expect(try await store.function(key)?.activeVersion == 2)
            #expect(try await store.function(key)?.access == .private)
            #expect(try await store.usage(of: Sample.bob) == StoredUsage())
            // A quota below what is held takes nothing away, and lets in what adds nothing.
            _ = try await store.beginVersion(
                draft(key, 1, megabytes: 4), access: .private, within: Quota([.storageMB: 1, .functions: 0]))
        }
    }

    @Test(arguments: Store.metadataStores)
    func ofManyAtOnceNoneIsTooMuch(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let begun = await withTaskGroup(of: Bool.self) { group in
                for number in UInt8(0)..<20 {
                    group.addTask {
                        guard
                            let draft = try? draft(
                                Sample.key(Sample.ann, "f\(number)"), number, megabytes: 1)
                        else { return false }
                        let quota = Quota([.functions: 8, .storageMB: 5])
                        return (try? await store.beginVersion(draft, access: .private, within: quota)) != nil
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(begun == 5)
            #expect(try await store.usage(of: Sample.ann) == StoredUsage(functions: 5, bytes: 5 << 20))
        }
    }
}
