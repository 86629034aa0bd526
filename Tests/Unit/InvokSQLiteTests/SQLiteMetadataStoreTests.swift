import Foundation
import GRDB
import Invok
import Testing

@testable import InvokSQLite

@Suite(.timeLimit(.minutes(1)))
struct SQLiteMetadataStoreTests {
    let files: TemporaryStore

    init() throws { files = try TemporaryStore() }

    @Test func everythingOutlivesTheProcess() async throws {
        let first = try files.open()
        let user = try await first.createUser(someUser(1))
        _ = try await first.createUser(someUser(2))
        let grant = Grant(namespace: id(1), user: id(2), role: .viewer)
        try await first.putGrant(grant)
        let version = try await first.deploy(key())
        let before = try await first.functions(in: id(1))
        try first.close()

        let second = try files.open()
        #expect(try await second.user(id(1)) == user)
        #expect(try await second.grants(namespace: id(1)) == [grant])
        #expect(try await second.functions(in: id(1)) == before)
        #expect(before.first?.active?.key == version.key)
        #expect(before.first?.active?.settings == version.settings)
    }

    /// What a power failure leaves is the files as they are without `close`.
    @Test func whatIsAcknowledgedIsInTheFilesAtOnce() async throws {
        let store = try files.open()
        _ = try await store.createUser(someUser(1))
        let version = try await store.deploy(key())
        let copy = try TemporaryStore()
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: files.path + suffix, toPath: copy.path + suffix)
        }
        #expect(try await copy.open().function(key())?.activeVersion == version.key.number)
    }

    @Test func writesAreSynced() async throws {
        let store = try files.open()
        let (synchronous, journal, foreignKeys) = try await store.write { database in
            (
                try Int.fetchOne(database, sql: "PRAGMA synchronous"),
                try String.fetchOne(database, sql: "PRAGMA journal_mode"),
                try Int.fetchOne(database, sql: "PRAGMA foreign_keys")
            )
        }
        #expect(synchronous == 2)
        #expect(journal == "wal")
        #expect(foreignKeys == 1)
    }

    @Test func aFailedTransactionLeavesNothing() async throws {
        let store = try files.open()
        await #expect(throws: StoreError.notFound) {
            try await store.write { database in
                try database.execute(sql: "UPDATE health_check SET count = 1000")
                throw StoreError.notFound
            }
        }
        let count = try await store.read { try Int.fetchOne($0, sql: "SELECT count FROM health_check") }
        #expect(count == 0)
    }

    @Test func checkLeavesNothingBehindAndFailsOnAClosedStore() async throws {
        let store = try files.open()
        try await store.check()
        #expect(try await store.read { try Int.fetchOne($0, sql: "SELECT count FROM health_check") } == 0)
        try store.close()
        for attempt in [
            { () async throws in try await store.check() },
            { () async throws in _ = try await store.user(id(1)) },
        ] {
            let error = await #expect(throws: StoreError.self) { try await attempt() }
            guard case .unavailable = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
    }

    @Test func aFullDiskIsFullAndChangesNothing() async throws {
        let store = try files.open()
        _ = try await store.createUser(someUser(1))
        try await store.write { database in
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            try database.execute(sql: "PRAGMA max_page_count = \(pages)")
        }
        let version = try await store.beginVersion(draft(key()), access: .private)
        let log = String(repeating: "x", count: 1 << 20)
        await #expect(throws: StoreError.full) {
            try await store.activateBuilt(
                version.key, bundle: bundle("b"), buildLog: log, expectedActive: nil, access: nil, at: laterTime)
        }
        #expect(try await store.version(version.key) == version)
        #expect(try await store.function(key())?.activeVersion == nil)

        try await store.write { try $0.execute(sql: "PRAGMA max_page_count = 1000000") }
        try await store.activateBuilt(
            version.key, bundle: bundle("b"), buildLog: log, expectedActive: nil, access: nil, at: laterTime)
        #expect(try await store.version(version.key)?.buildLog == log)
    }

    @Test func aCancelledCallerStillGetsItsTransaction() async throws {
        let store = try files.open()
        let user = try someUser(1)
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await store.createUser(user)
        }
        task.cancel()
        #expect(try await task.value.id == user.id)
        #expect(try await store.user(user.id) != nil)
    }

    @Test func anUnreadableRowIsUnavailable() async throws {
        let store = try files.open()
        _ = try await store.createUser(someUser(1))
        let version = try await store.beginVersion(draft(key()), access: .private)
        try await store.write { try $0.execute(sql: "UPDATE version SET settings = '{\"runtime\":\"cobol\"}'") }
        await #expect(throws: StoreError.unavailable("the store has a value in 'settings' that cannot be read")) {
            try await store.version(version.key)
        }
    }

    @Test func aFileThatIsNoDatabaseIsRefused() throws {
        try Data(repeating: 0x41, count: 8192).write(to: URL(filePath: files.path))
        let error = #expect(throws: InvokError.self) { try files.open() }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("not an SQLite database") == true)
        #expect(try Data(contentsOf: URL(filePath: files.path)).count == 8192)
    }

    @Test func aMissingDirectoryIsRefused() {
        let error = #expect(throws: InvokError.self) { try SQLiteMetadataStore(path: files.path + "/no/store") }
        #expect(error?.code == .unavailable)
        #expect(error?.nextStep?.contains("directory") == true)
    }

    @Test func errorsCarryNoArguments() async throws {
        let store = try files.open()
        let error = await #expect(throws: StoreError.self) {
            try await store.write { database in
                try database.execute(
                    sql: "INSERT INTO user VALUES (?, 'e', ?, 'nobody', 0, 0)", arguments: ["id", "the-hash"])
            }
        }
        #expect("\(String(describing: error))".contains("the-hash") == false)
        guard case .conflict = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }
}
