import InvokSim
import Synchronization
import Testing

@testable import Invok

/// Sealing what an older Invok wrote, and changing the key.
@Suite(.timeLimit(.minutes(1)))
struct SealingUpgradeTests {
    private static let secret = "hunter2"
    private let store = SimMetadataStore()
    private let artifacts = SimArtifactStore()
    private let sealer = EnvironmentSealerTests.sealer("one")
    private let other = EnvironmentSealerTests.sealer("two", seed: 2)

    private func upgrade(_ sealer: EnvironmentSealer? = nil) async throws {
        try await SealingUpgrade(
            store: store, artifacts: artifacts, archives: SimArchiveReader(), sealer: sealer ?? self.sealer,
            logger: Rig.logger
        ).run()
    }

    private static func archive(_ function: String) -> [UInt8] {
        let config = #"{"function_name":"\#(function)","runtime":"python","env":{"TOKEN":"\#(secret)"}}"#
        var zip = ZipWriter()
        zip.add("config.json", content: Array(config.utf8))
        zip.add("function.py", content: Array("# sim: hello\n".utf8))
        return zip.finish()
    }

    /// Versions of two functions, each with the secret in the row and in its archive.
    private func wroteWithoutSealing(versions count: Int = 2) async throws -> [VersionKey] {
        let owner = Namespace(high: 1, low: 1)
        let time = Timestamp(millisecondsSinceEpoch: 5)
        _ = try await store.createUser(
            User(id: owner, email: Email("a@example.com"), passwordHash: "", role: .developer, createdAt: time))
        var keys: [VersionKey] = []
        for name in ["one", "two"] {
            for _ in 0..<count {
                let draft = VersionDraft(
                    function: try EnvironmentSealerTests.key(name),
                    artifact: try await artifacts.put(Self.archive(name)),
                    settings: try EnvironmentSealerTests.settings(["TOKEN": Self.secret]), createdBy: owner,
                    createdAt: time)
                keys.append(try await store.beginVersion(draft, access: .private).key)
            }
        }
        return keys.sorted()
    }

    private func opened(by sealer: EnvironmentSealer) async throws -> [String?] {
        try await store.storedVersions(after: nil, limit: 1000).map { stored in
            sealer.open(stored.settings, of: stored.key.function)?.environment.variables["TOKEN"]
        }
    }

    /// Everything that is kept, but for archives that nothing names.
    private func kept() async throws -> String {
        let versions = try await store.storedVersions(after: nil, limit: 1000)
        var text = "\(versions)"
        for digest in Set(versions.map(\.artifact)).sorted() {
            text += String(decoding: try await artifacts.open(digest).beginning(.max), as: UTF8.self)
        }
        return text
    }

    @Test func whatAnOlderInvokWroteIsSealed() async throws {
        // More than a page has.
        let keys = try await wroteWithoutSealing(versions: SealingUpgrade.pageSize / 2 + 1)
        #expect(try await kept().contains(Self.secret))
        try await upgrade()
        #expect(try await !kept().contains(Self.secret))
        #expect(try await opened(by: sealer) == keys.map { _ in Self.secret })
        #expect(try await store.sealing() == Sealing(keyName: sealer.key.name, isComplete: true))
        // Nothing is left to do.
        let before = try await kept()
        try await upgrade()
        #expect(try await kept() == before)
    }

    /// Whatever was done before an end at any place is taken up, also when the store fails in between.
    @Test(arguments: 0..<9) func itGoesOnWhereItWasInterrupted(after calls: Int) async throws {
        _ = try await wroteWithoutSealing()
        let failing = FailingSealedStore(store, after: calls)
        await #expect(throws: InvokError.self) {
            try await SealingUpgrade(
                store: failing, artifacts: artifacts, archives: SimArchiveReader(), sealer: sealer, logger: Rig.logger
            ).run()
        }
        try await upgrade()
        #expect(try await !kept().contains(Self.secret))
        #expect(try await opened(by: sealer).allSatisfy { $0 == Self.secret })
    }

    @Test func aCoreWithAnotherKeyIsRefused() async throws {
        try await upgrade()
        let error = await #expect(throws: InvokError.self) { try await upgrade(other) }
        #expect(error?.code == .invalidConfig)
        #expect(error?.nextStep?.contains("secrets rotate") == true)
    }

    // MARK: Rotation

    @Test func theKeyIsChanged() async throws {
        let keys = try await wroteWithoutSealing()
        try await upgrade()
        let outcome = try await SealingRotation(store: store, old: sealer, new: other).run()
        #expect(outcome.resealed == keys.count && outcome.lost.isEmpty)
        #expect(try await opened(by: other) == keys.map { _ in Self.secret })
        #expect(try await opened(by: sealer) == keys.map { _ in nil })
        try await upgrade(other)
        await #expect(throws: InvokError.self) { try await upgrade(sealer) }
        #expect(try await SealingRotation(store: store, old: sealer, new: other).run().resealed == 0)
    }

    @Test(arguments: 0..<9) func aRotationGoesOnWhereItWasInterrupted(after calls: Int) async throws {
        _ = try await wroteWithoutSealing()
        try await upgrade()
        let failing = FailingSealedStore(store, after: calls)
        await #expect(throws: InvokError.self) {
            try await SealingRotation(store: failing, old: sealer, new: other).run()
        }
        if try await store.sealing()?.nextKeyName != nil {
            // Half of it has one key and half the other: no core may start.
            for sealer in [sealer, other] {
                let error = await #expect(throws: InvokError.self) { try await upgrade(sealer) }
                #expect(error?.message.contains("interrupted") == true)
            }
            let third = EnvironmentSealerTests.sealer("three")
            await #expect(throws: InvokError.self) {
                try await SealingRotation(store: store, old: sealer, new: third).run()
            }
        }
        _ = try await SealingRotation(store: store, old: sealer, new: other).run()
        #expect(try await opened(by: other).allSatisfy { $0 == Self.secret })
        try await upgrade(other)
    }

    @Test func aWrongOldKeyChangesNothing() async throws {
        _ = try await wroteWithoutSealing()
        try await upgrade()
        let before = try await kept()
        await #expect(throws: InvokError.self) {
            try await SealingRotation(store: store, old: other, new: EnvironmentSealerTests.sealer("three")).run()
        }
        #expect(try await kept() == before)
    }

    @Test func secretsGetTheNewKeyOrAreNamed() async throws {
        _ = try await wroteWithoutSealing()
        try await upgrade()
        let namespace = try #require(try await store.onlyUser())
        let (value, third) = (try SecretValue("planted"), EnvironmentSealerTests.sealer("three"))
        let keys = try ["A", "B"].map { SecretKey(namespace: namespace, name: try SecretName($0)) }
        for (key, sealer) in zip(keys, [sealer, third]) {
            let secret = StoredSecret(
                key: key, value: sealer.seal(value, of: key), changedAt: Timestamp(millisecondsSinceEpoch: 1))
            try await store.putSecret(secret, within: Quota())
        }
        #expect(try await SealingRotation(store: store, old: sealer, new: other).run().lostSecrets == [keys[1]])
        let stored = try await store.secrets(in: namespace)
        #expect(other.open(stored[0].value, of: keys[0]) == value && sealer.open(stored[0].value, of: keys[0]) == nil)
    }

    @Test func whatALostKeySealedIsNamedAndGivenUp() async throws {
        let keys = try await wroteWithoutSealing()
        try await upgrade()
        #expect(try await SealingRotation(store: store, old: nil, new: other).run().lost == keys)
        try await upgrade(other)
    }
}

/// A store that fails for good after some calls.
private struct FailingSealedStore: SealedStore {
    private let store: any SealedStore
    private let left: Countdown

    init(_ store: any SealedStore, after calls: Int) {
        self.store = store
        left = Countdown(calls)
    }

    private func count() throws(StoreError) {
        if !left.take() { throw .unavailable("it failed") }
    }

    func installation() async throws(StoreError) -> String { try await store.installation() }

    func sealing() async throws(StoreError) -> Sealing? {
        try count()
        return try await store.sealing()
    }

    func setSealing(_ sealing: Sealing, expected: Sealing?) async throws(StoreError) {
        try count()
        try await store.setSealing(sealing, expected: expected)
    }

    func storedVersions(after version: VersionKey?, limit: Int) async throws(StoreError) -> [StoredVersion] {
        try count()
        return try await store.storedVersions(after: version, limit: limit)
    }

    func replace(_ old: StoredVersion, by new: StoredVersion) async throws(StoreError) -> Bool {
        try count()
        return try await store.replace(old, by: new)
    }

    func storedSecrets(after key: SecretKey?, limit: Int) async throws(StoreError) -> [StoredSecret] {
        try count()
        return try await store.storedSecrets(after: key, limit: limit)
    }

    func replace(_ old: StoredSecret, by new: SealedValue) async throws(StoreError) -> Bool {
        try count()
        return try await store.replace(old, by: new)
    }

    func compact() async throws(StoreError) { try count() }
}

private final class Countdown: Sendable {
    private let left: Mutex<Int>

    init(_ count: Int) { left = Mutex(count) }

    func take() -> Bool {
        left.withLock { left in
            left -= 1
            return left >= 0
        }
    }
}
