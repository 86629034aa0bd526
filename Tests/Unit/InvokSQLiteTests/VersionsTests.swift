import GRDB
import Invok
import Testing

@testable import InvokSQLite

@Suite(.timeLimit(.minutes(1)))
struct VersionsTests {
    let files: TemporaryStore
    let store: SQLiteMetadataStore

    init() async throws {
        files = try TemporaryStore()
        store = try files.open()
        for number in 1...2 as ClosedRange<UInt64> { _ = try await store.createUser(someUser(number)) }
    }

    private func activate(_ version: VersionKey, expecting active: Int?) async throws {
        try await store.activateBuilt(
            version, bundle: bundle("b"), buildLog: "log", expectedActive: active, access: .public, at: laterTime)
    }

    @Test func aVersionIsStoredAsDrafted() async throws {
        let version = try await store.beginVersion(draft(key()), access: .private)
        let expected = try draft(key())
        #expect(version.key == VersionKey(function: try key(), number: 1))
        #expect(version.state == .building)
        #expect(version.settings == expected.settings)
        #expect(version.createdBy == expected.createdBy)
        #expect(try await store.version(version.key) == version)
        #expect(
            try await store.function(key())
                == Function(key: try key(), access: .private, createdAt: someTime, updatedAt: someTime))
    }

    @Test func accessOfTheDraftIsForNewFunctionsOnly() async throws {
        _ = try await store.beginVersion(draft(key()), access: .private)
        _ = try await store.beginVersion(draft(key()), access: .public)
        #expect(try await store.function(key())?.access == .private)
    }

    @Test func aVersionNeedsItsNamespace() async throws {
        await #expect(throws: StoreError.notFound) {
            try await store.beginVersion(draft(key(in: id(3))), access: .private)
        }
        #expect(try await store.function(key(in: id(3))) == nil)
    }

    @Test func concurrentDeploysGetDifferentNumbers() async throws {
        let store = self.store
        let numbers = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 1...40 {
                group.addTask { try await store.beginVersion(draft(key()), access: .private).key.number }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(numbers.sorted() == Array(1...40))
        #expect(try await store.versions(of: key()).map(\.key.number) == Array((1...40).reversed()))
        #expect(try await store.unfinishedVersions().count == 40)
    }

    @Test func oneOfManyActivationsWins() async throws {
        let store = self.store
        var versions: [VersionKey] = []
        for _ in 1...10 { versions.append(try await store.beginVersion(draft(key()), access: .private).key) }
        let winners = try await withThrowingTaskGroup(of: Int?.self) { group in
            for version in versions {
                group.addTask {
                    do {
                        try await store.activateBuilt(
                            version, bundle: bundle("b"), buildLog: "", expectedActive: nil, access: nil, at: laterTime)
                        return version.number
                    } catch StoreError.conflict {
                        return nil
                    }
                }
            }
            return try await group.reduce(into: [Int]()) { if let number = $1 { $0.append(number) } }
        }
        #expect(winners.count == 1)
        #expect(try await store.function(key())?.activeVersion == winners.first)
        #expect(try await store.versions(of: key()).filter { $0.bundle != nil }.map(\.key.number) == winners)
    }

    @Test func activatingABuiltVersionMakesItReadyAndActive() async throws {
        let version = try await store.beginVersion(draft(key()), access: .private)
        try await activate(version.key, expecting: nil)
        let stored = try await store.version(version.key)
        #expect(stored?.state == .ready(bundle: bundle("b")))
        #expect(stored?.buildLog == "log")
        #expect(
            try await store.function(key())
                == Function(
                    key: try key(), access: .public, activeVersion: 1, createdAt: someTime, updatedAt: laterTime))
    }

    @Test func activatingWithoutAccessKeepsIt() async throws {
        _ = try await store.beginVersion(draft(key()), access: .public)
        _ = try await store.deploy(key())
        #expect(try await store.function(key())?.access == .public)
    }

    @Test func aSlowDeployCannotUndoANewerOne() async throws {
        let slow = try await store.beginVersion(draft(key()), access: .private)
        let fast = try await store.deploy(key())
        let error = await #expect(throws: StoreError.self) { try await activate(slow.key, expecting: nil) }
        guard case .conflict = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(try await store.version(slow.key)?.state == .building)
        #expect(try await store.function(key())?.activeVersion == fast.key.number)
    }

    @Test func onlyABuildingVersionCanBecomeReady() async throws {
        let missing = VersionKey(function: try key(), number: 7)
        await #expect(throws: StoreError.notFound) { try await activate(missing, expecting: nil) }
        let ready = try await store.deploy(key())
        await #expect(throws: StoreError.conflict("\(ready.key) is not being built")) {
            try await activate(ready.key, expecting: 1)
        }
        let failed = try await store.beginVersion(draft(key()), access: .private)
        try await store.failVersion(failed.key, reason: "why", buildLog: "log")
        await #expect(throws: StoreError.conflict("\(failed.key) is not being built")) {
            try await activate(failed.key, expecting: 1)
        }
        #expect(try await store.function(key())?.activeVersion == 1)
    }

    @Test func rollbackActivatesOnlyWhatIsReady() async throws {
        let first = try await store.deploy(key())
        let second = try await store.deploy(key(), replacing: 1)
        try await store.activate(first.key, expectedActive: second.key.number, at: laterTime)
        #expect(try await store.function(key())?.activeVersion == 1)

        let building = try await store.beginVersion(draft(key()), access: .private)
        await #expect(throws: StoreError.conflict("\(building.key) is not ready")) {
            try await store.activate(building.key, expectedActive: 1, at: laterTime)
        }
        await #expect(throws: StoreError.notFound) {
            try await store.activate(VersionKey(function: key(), number: 9), expectedActive: 1, at: laterTime)
        }
        let stale = await #expect(throws: StoreError.self) {
            try await store.activate(second.key, expectedActive: 2, at: laterTime)
        }
        guard case .conflict = stale else {
            Issue.record("\(String(describing: stale))")
            return
        }
        #expect(try await store.function(key())?.activeVersion == 1)
    }

    @Test func failingChangesOnlyABuildingVersion() async throws {
        let ready = try await store.deploy(key())
        let before = try await store.version(ready.key)
        try await store.failVersion(ready.key, reason: "late", buildLog: "")
        try await store.failVersion(VersionKey(function: key(), number: 9), reason: "gone", buildLog: "")
        #expect(try await store.version(ready.key) == before)

        let building = try await store.beginVersion(draft(key()), access: .private)
        try await store.failVersion(building.key, reason: "why", buildLog: "line 1\nline 2")
        try await store.failVersion(building.key, reason: "again", buildLog: "")
        let failed = try await store.version(building.key)
        #expect(failed?.state == .failed(reason: "why"))
        #expect(failed?.buildLog == "line 1\nline 2")
    }

    @Test func theDatabaseItselfKeepsReadyVersions() async throws {
        let ready = try await store.deploy(key())
        let error = await #expect(throws: StoreError.self) {
            try await store.write { try $0.execute(sql: "UPDATE version SET build_log = 'forged'") }
        }
        #expect("\(String(describing: error))".contains("never changes"))
        #expect(try await store.version(ready.key)?.buildLog == "built")
    }
}
