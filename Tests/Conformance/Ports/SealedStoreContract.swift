import Foundation
import Invok
import InvokSQLite
import InvokSim
import Logging
import Testing

/// What every `SealedStore` promises.
@Suite(.timeLimit(.minutes(1)))
struct SealedStoreContract {
    typealias Store = Candidate<Durable<any MetadataStore & SealedStore & AccountStore>>

    private func stored(_ version: Version) -> StoredVersion {
        StoredVersion(key: version.key, artifact: version.artifact, settings: version.settings)
    }

    @Test(arguments: Store.sealedStores)
    func anInstallationKeepsItsName(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let name = try await fixture.port.installation()
            #expect(name.count == 16 && name.allSatisfy { $0.isHexDigit && !$0.isUppercase })
            #expect(try await fixture.reopen().installation() == name)
        }
    }

    @Test(arguments: Store.sealedStores)
    func theStateIsComparedAndSet(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            #expect(try await store.sealing() == nil)
            let states = [
                Sealing(keyName: "one"), Sealing(keyName: "one", isComplete: true),
                Sealing(keyName: "one", nextKeyName: "two", isComplete: true),
                Sealing(keyName: "two", isComplete: true),
            ]
            var last: Sealing?
            for state in states {
                try await store.setSealing(state, expected: last)
                #expect(try await fixture.reopen().sealing() == state)
                for wrong in [nil] + states where wrong != state {
                    await #expect(throws: StoreError.self) {
                        try await store.setSealing(Sealing(keyName: "three"), expected: wrong)
                    }
                }
                last = state
            }
            #expect(try await store.sealing() == last)
        }
    }

    @Test(arguments: Store.sealedStores)
    func versionsComeInPagesInTheOrderOfTheirKeys(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            #expect(try await store.storedVersions(after: nil, limit: 10).isEmpty)
            for (namespace, name) in [(Sample.bob, "a"), (Sample.ann, "b"), (Sample.ann, "a-b"), (Sample.ann, "a")] {
                for _ in 0..<11 {
                    _ = try await store.beginVersion(Sample.draft(Sample.key(namespace, name)), access: .private)
                }
            }
            var seen: [VersionKey] = []
            while true {
                let page = try await store.storedVersions(after: seen.last, limit: 10)
                guard !page.isEmpty else { break }
                #expect(page.count == 10 || seen.count + page.count == 44)
                seen += page.map(\.key)
            }
            #expect(seen == seen.sorted() && Set(seen).count == 44)
            let first = try #require(try await store.storedVersions(after: nil, limit: 1).first)
            #expect(try await store.version(first.key).map(stored) == first)
        }
    }

    @Test(arguments: Store.sealedStores)
    func settingsAndArchiveOfAReadyVersionAreReplacedAndNothingElse(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let key = try await store.deploy(Sample.key())
            let before = try #require(try await store.version(key))
            var new = stored(before)
            new.artifact = Sample.bundle(9).digest
            new.settings = Sample.sealer.seal(before.settings, of: key.function)
            #expect(new.settings.sealed != nil)
            #expect(try await store.replace(stored(before), by: new))
            let after = try #require(try await fixture.reopen().version(key))
            #expect(stored(after) == new)
            #expect(
                after.state == before.state && after.buildLog == before.buildLog && after.createdBy == before.createdBy
                    && after.createdAt == before.createdAt)
            #expect(Sample.sealer.open(after.settings, of: key.function) == before.settings)
            // Neither what is not there any more, nor what was never there.
            #expect(try await !store.replace(stored(before), by: stored(before)))
            try await store.deleteFunction(key.function)
            #expect(try await !store.replace(new, by: new))
            try await store.compact()
            #expect(try await store.storedVersions(after: nil, limit: 1).isEmpty)
        }
    }

    private func upgrade(_ store: any SealedStore) async throws {
        try await SealingUpgrade(
            store: store, artifacts: SimArtifactStore(), archives: SimArchiveReader(), sealer: Sample.sealer,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ).run()
    }

    @Test(arguments: Store.sealedStores)
    func whatAnOlderInvokStoredIsSealed(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let key = try await store.deploy(Sample.key())
            let before = try #require(try await store.version(key))
            #expect(before.settings.environment != .empty)
            try await upgrade(store)
            let after = try #require(try await fixture.reopen().version(key))
            #expect(after.settings.environment == .empty)
            #expect(Sample.sealer.open(after.settings, of: key.function) == before.settings)
            #expect(try await store.sealing()?.isComplete == true)
        }
    }

    /// Neither in a page that is free, nor in the log beside the file.
    @Test func nothingOfAnOlderSecretStaysInTheFile() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "invok-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func hasSecret() throws -> Bool {
            try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).contains {
                try Data(contentsOf: $0).range(of: Data("planted-77ab".utf8)) != nil
            }
        }
        let store = try SQLiteMetadataStore(path: folder.appending(path: "invok.sqlite").path)
        try await store.addUsers()
        let settings = try Sample.settings()
        for name in ["kept", "deleted"] {
            let draft = VersionDraft(
                function: try Sample.key(Sample.ann, name), artifact: Sample.bundle().digest,
                settings: VersionSettings(
                    runtime: .python, environment: try Environment(["TOKEN": "planted-77ab"]),
                    limits: settings.limits), createdBy: Sample.ann, createdAt: Sample.time(1))
            _ = try await store.beginVersion(draft, access: .private)
        }
        try await store.deleteFunction(Sample.key(Sample.ann, "deleted"))
        #expect(try hasSecret())
        try await upgrade(store)
        #expect(try !hasSecret())
        try store.close()
        #expect(try !hasSecret())
    }
}
