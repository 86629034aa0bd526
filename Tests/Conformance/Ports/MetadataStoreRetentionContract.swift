import Invok
import Testing

/// What every `MetadataStore` promises about what is kept, and what goes.
@Suite(.timeLimit(.minutes(1)))
struct MetadataStoreRetentionContract {
    typealias Store = Candidate<Durable<any MetadataStore>>

    private static func policy(ready: Int, failedSince seconds: Int64 = 0) -> Retention {
        Retention(ready: ready, failedSince: Sample.time(seconds))
    }

    private func numbers(_ expired: [VersionKey]) -> [Int] { expired.map(\.number) }

    /// A version that failed, begun at that time.
    private func fail(_ store: any MetadataStore, _ key: FunctionKey, at seconds: Int64) async throws {
        let version = try await store.beginVersion(Sample.draft(key, 1, at: seconds), access: .private).key
        try await store.failVersion(version, reason: "broken", buildLog: "")
    }

    @Test(arguments: Store.metadataStores)
    func theNewestReadyVersionsBesideTheActiveOneAreKept(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let (key, other) = (try Sample.key(), try Sample.key(Sample.bob))
            for number in 1...5 {
                try await store.deploy(key, UInt8(number), expectedActive: number == 1 ? nil : number - 1)
            }
            for number in 1...2 {
                try await store.deploy(other, 9, expectedActive: number == 1 ? nil : number - 1)
            }
            let building = try await store.beginVersion(Sample.draft(key, 6), access: .private).key
            #expect(try await store.expiredVersions(Self.policy(ready: 10), limit: 9).isEmpty)
            #expect(numbers(try await store.expiredVersions(Self.policy(ready: 2), limit: 9)) == [1, 2])
            #expect(numbers(try await store.expiredVersions(Self.policy(ready: 2), limit: 1)) == [1])
            #expect(
                try await store.expiredVersions(Self.policy(ready: 0), limit: 9).map(\.function)
                    == [key, key, key, key, other])
            // One that is brought back is not among those that are counted.
            try await store.activate(VersionKey(function: key, number: 1), expectedActive: 5, at: Sample.time(5))
            #expect(numbers(try await store.expiredVersions(Self.policy(ready: 2), limit: 9)) == [2, 3])
            // A user may have a quota of its own.
            try await store.setQuota(.versions, of: Sample.ann, to: 3)
            try await store.setQuota(.functions, of: Sample.bob, to: 0)
            #expect(
                try await store.expiredVersions(Self.policy(ready: 0), limit: 9)
                    == [VersionKey(function: key, number: 2), VersionKey(function: other, number: 1)])
            #expect(try await store.version(building)?.state == .building)
        }
    }

    @Test(arguments: Store.metadataStores)
    func failedVersionsAreKeptForATime(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let key = try Sample.key()
            try await fail(store, key, at: 10)
            try await fail(store, key, at: 20)
            try await store.deploy(key)
            #expect(numbers(try await store.expiredVersions(Self.policy(ready: 0, failedSince: 20), limit: 9)) == [1])
            for number in 0..<Retention.failedLimit - 1 { try await fail(store, key, at: 30 + Int64(number)) }
            #expect(numbers(try await store.expiredVersions(Self.policy(ready: 0), limit: 9)) == [1])
        }
    }

    @Test(arguments: Store.metadataStores)
    func removesWhatIsNoUse(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let key = try Sample.key()
            let first = try await store.deploy(key, 1)
            let second = try await store.deploy(key, 2, expectedActive: 1)
            let building = try await store.beginVersion(Sample.draft(key, 3), access: .private).key
            let used = try await store.usage(of: Sample.ann).functions
            for version in [second, building, VersionKey(function: try Sample.key(Sample.bob), number: 1)] {
                #expect(try await !store.removeVersion(version))
            }
            #expect(try await store.removeVersion(first))
            #expect(try await !store.removeVersion(first))
            #expect(try await store.versions(of: key).map(\.key) == [building, second])
            #expect(try await store.usage(of: Sample.ann).functions == used)
            let again = try await fixture.reopen()
            #expect(try await again.version(first) == nil)
            // Its number does not come again.
            #expect(try await again.beginVersion(Sample.draft(key, 4), access: .private).key.number == 4)
        }
    }

    @Test(arguments: Store.metadataStores)
    func namesAllFunctionsArtifactsAndBundles(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let (key, other) = (try Sample.key(), try Sample.key(Sample.bob))
            #expect(try await store.references() == StoreReferences(functions: [], artifacts: [], bundles: []))
            try await store.deploy(key, 1)
            try await store.deploy(other, 1)
            _ = try await store.beginVersion(Sample.draft(key, 2), access: .private)
            let both = StoreReferences(
                functions: [key, other], artifacts: [Digest(of: [1]), Digest(of: [2])], bundles: [Sample.bundle(1)])
            #expect(try await store.references() == both)
            try await store.deleteFunction(key)
            let left = StoreReferences(
                functions: [other], artifacts: [Digest(of: [1])], bundles: [Sample.bundle(1)])
            #expect(try await store.references() == left)
        }
    }
}
