import Invok
import Testing

/// What every `MetadataStore` promises about secrets, and about the functions whose instances are to be replaced.
@Suite(.timeLimit(.minutes(1)))
struct MetadataStoreSecretContract {
    typealias Store = Candidate<Durable<any MetadataStore>>
    typealias Stores = Candidate<Durable<any MetadataStore & SealedStore & AccountStore>>

    private func key(
        _ namespace: Namespace = Sample.ann, _ function: String? = nil, _ name: String = "TOKEN",
        for purpose: SecretKey.Purpose = .run
    ) throws -> SecretKey {
        SecretKey(
            namespace: namespace, function: try function.map { try FunctionName($0) }, purpose: purpose,
            name: try SecretName(name))
    }

    private func secret(_ key: SecretKey, _ value: String = "planted", at seconds: Int64 = 1) throws -> StoredSecret {
        StoredSecret(
            key: key, value: Sample.sealer.seal(try SecretValue(value), of: key), changedAt: Sample.time(seconds))
    }

    @Test(arguments: Store.metadataStores)
    func secretsAreKeptReplacedAndRemoved(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let keys = try [
                key(), key(Sample.ann, nil, "A_1"), key(Sample.ann, nil, for: .build), key(Sample.ann, "b"),
                key(Sample.ann, "a-b"), key(Sample.ann, "a"), key(Sample.bob), key(Sample.bob, "a"),
            ]
            for key in keys { try await store.putSecret(secret(key), within: Quota()) }
            let newer = try secret(key(), "newer", at: 5)
            try await store.putSecret(newer, within: Quota())
            let ann = try await fixture.reopen().secrets(in: Sample.ann)
            #expect(ann.map(\.key) == keys.filter { $0.namespace == Sample.ann }.sorted())
            #expect(ann.first { $0.key == newer.key } == newer)
            #expect(Sample.sealer.open(newer.value, of: newer.key) == (try SecretValue("newer")))
            #expect(try await store.usage(of: Sample.ann).secrets == 6)
            // Each function its own and its namespace's, of the one purpose.
            let ofA = try await store.secrets(of: Sample.key(Sample.ann, "a"), for: .run)
            #expect(try ofA.map(\.key) == [key(Sample.ann, nil, "A_1"), key(), key(Sample.ann, "a")])
            let builds = try await store.secrets(of: Sample.key(Sample.ann, "a"), for: .build)
            #expect(try builds.map(\.key) == [key(Sample.ann, nil, for: .build)])
            #expect(try await store.secrets(of: Sample.key(Sample.nobody, "a"), for: .run).isEmpty)

            try await store.removeSecret(key())
            await #expect(throws: StoreError.notFound) { try await store.removeSecret(key()) }
            await #expect(throws: StoreError.notFound) {
                try await store.putSecret(secret(key(Sample.nobody)), within: Quota())
            }
            #expect(try await fixture.reopen().secrets(in: Sample.ann).count == 5)
            #expect(try await store.secrets(in: Sample.bob).count == 2)
        }
    }

    @Test(arguments: Store.metadataStores)
    func aFunctionTakesItsOwnWithIt(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            for key in try [key(), key(Sample.ann, "hello"), key(Sample.ann, "other"), key(Sample.bob, "hello")] {
                try await store.putSecret(secret(key), within: Quota())
            }
            try await store.putSecret(secret(key(Sample.ann, "hello", for: .build)), within: Quota())
            try await store.deploy(Sample.key())
            try await store.deleteFunction(Sample.key())
            let left = try await fixture.reopen().secrets(in: Sample.ann).map(\.key)
            #expect(try left == [key(), key(Sample.ann, "other")])
            #expect(try await store.secrets(in: Sample.bob).count == 1)
        }
    }

    @Test(arguments: Store.metadataStores)
    func theNumberIsHeldToTheQuota(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let quota = Quota([.secrets: 2])
            try await store.putSecret(secret(key()), within: quota)
            try await store.putSecret(secret(key(Sample.ann, "a")), within: quota)
            try await store.putSecret(secret(key(), "other"), within: quota)
            await #expect(throws: StoreError.exceeded(QuotaExcess(.secrets, value: 2, used: 2))) {
                try await store.putSecret(secret(key(Sample.ann, "b")), within: quota)
            }
            try await store.putSecret(secret(key(Sample.bob)), within: quota)
            #expect(try await store.secrets(in: Sample.ann).count == 2)
        }
    }

    @Test(arguments: Store.metadataStores)
    func restartsAreCounted(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            try await store.deploy(Sample.key())
            #expect(try await store.function(Sample.key())?.restarts == 0)
            for _ in 0..<2 { try await store.restart(Sample.key()) }
            let reopened = try await fixture.reopen()
            #expect(try await reopened.function(Sample.key())?.restarts == 2)
            #expect(try await reopened.functions(in: Sample.ann).map(\.function.restarts) == [2])
            #expect(try await reopened.activeFunctions().map(\.function.restarts) == [2])
            try await store.deploy(Sample.key(), 2, expectedActive: 1)
            #expect(try await store.function(Sample.key())?.restarts == 2)
            await #expect(throws: StoreError.notFound) { try await store.restart(Sample.key(Sample.bob)) }
        }
    }

    @Test(arguments: Stores.sealedStores)
    func secretsComeInPagesAndAreSealedAnew(_ candidate: Stores) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let keys = try [Sample.bob, Sample.ann].flatMap { namespace in
                try [nil, "b", "a"].flatMap { function in
                    try ["B", "A"].map { try key(namespace, function, $0) }
                }
            }
            for key in keys { try await store.putSecret(secret(key), within: Quota()) }
            var seen: [SecretKey] = []
            while true {
                let page = try await store.storedSecrets(after: seen.last, limit: 5)
                guard !page.isEmpty else { break }
                #expect(page.count == 5 || seen.count + page.count == 12)
                seen += page.map(\.key)
            }
            #expect(seen == keys.sorted())
            let old = try #require(try await store.storedSecrets(after: nil, limit: 1).first)
            let new = Sample.sealer.seal(try SecretValue("new"), of: old.key)
            #expect(try await store.replace(old, by: new))
            #expect(try await !store.replace(old, by: old.value), "it is not as it was")
            let after = try #require(try await fixture.reopen().storedSecrets(after: nil, limit: 1).first)
            #expect(after.value == new && after.changedAt == old.changedAt && after.key == old.key)
            try await store.removeSecret(old.key)
            #expect(try await !store.replace(after, by: new))
        }
    }
}
