import GRDB
import Invok
import Testing

@testable import InvokSQLite

@Suite(.timeLimit(.minutes(1)))
struct SchemaTests {
    let files: TemporaryStore
    /// A step that this Invok does not have yet.
    let later = Schema(
        migrations: Schema.current.migrations + [
            Migration(
                number: Schema.current.migrations.count + 1, name: "next",
                sql: "ALTER TABLE user ADD COLUMN nickname TEXT NOT NULL DEFAULT ''")
        ])

    init() throws { files = try TemporaryStore() }

    @Test func numbersCountFromOne() {
        #expect(Schema.current.migrations.map(\.number) == Array(1...Schema.current.migrations.count))
    }

    /// A released step never changes. Whoever changes it must write a new one instead, and add that one's digest here.
    @Test func releasedStepsAreUnchanged() {
        #expect(
            Schema.current.migrations.map { "\($0.number) \($0.digest)" } == [
                "1 38fece3049e4446c14b81dadf093e8edd6f29d07b34e04a9d0a8a9a706f8032e",
                "2 15474464a984d27f881bf54d6b2776498d6e2743c0c5588605f4e73e76018f00",
                "3 c6a08f94da3c850ea4c5ff74cc16a64ea82bb50c2bb480d2688e32510692ba5a",
                "4 885b3df3b446d9f2b972aad1f618298f46b9be5b0ac5bf5afe519b25fc8a8d29",
                "5 079397f06ba77f3c59f440decb0a8e59bda6631f1a55ee33f9043edc68642eca",
            ])
    }

    @Test func anOlderStoreIsMigratedAndKeepsItsContent() async throws {
        let old = try files.open()
        let user = try await old.createUser(someUser(1))
        let version = try await old.deploy(key())
        try old.close()

        let new = try SQLiteMetadataStore(path: files.path, schema: later)
        #expect(try await new.user(id(1)) == user)
        #expect(try await new.function(key())?.activeVersion == version.key.number)
        let steps = try await new.read { try Int.fetchAll($0, sql: "SELECT number FROM migration ORDER BY number") }
        #expect(steps == Array(1...later.migrations.count))
    }

    /// Each later schema reads what the first one wrote.
    @Test func aStoreOfTheFirstSchemaIsMigratedAndKeepsItsContent() async throws {
        let queue = try DatabaseQueue(path: files.path)
        try await queue.writeWithoutTransaction { try $0.execute(sql: FirstSchema.dump) }
        try queue.close()
        let store = try files.open()
        let namespace = try #require(UUIDValue(FirstSchema.namespace))
        let user = try #require(try await store.user(namespace))
        #expect(user.role == .admin && user.email.description == "ann@example.com")
        let key = try key(in: namespace)
        #expect(try await store.function(key)?.activeVersion == 2)
        #expect(try await store.versions(of: key).map(\.key.number) == [2, 1])
        try store.close()
        let steps = try SQLiteSchema.steps(of: files.path)
        #expect(steps.filter(\.isApplied) == steps)
    }

    @Test func stepsAreShownWithoutTakingThem() async throws {
        let before = try SQLiteSchema.steps(of: files.path)
        #expect(before.map(\.isApplied) == Schema.current.migrations.map { _ in false })
        try files.open().close()
        let after = try SQLiteSchema.steps(of: files.path)
        #expect(after.filter(\.isApplied).map(\.name) == Schema.current.migrations.map(\.name))
    }

    @Test func aNewerStoreIsRefusedUntouched() async throws {
        let newer = try SQLiteMetadataStore(path: files.path, schema: later)
        _ = try await newer.createUser(someUser(1))
        try newer.close()

        let error = #expect(throws: InvokError.self) { try files.open() }
        #expect(error?.code == .unavailable)
        #expect(
            error?.message.contains(
                "schema is version \(later.migrations.count), newer than version \(later.migrations.count - 1)") == true
        )
        #expect(error?.nextStep == "start the Invok that wrote it, or a newer one")

        let again = try SQLiteMetadataStore(path: files.path, schema: later)
        #expect(try await again.user(id(1)) != nil)
    }

    @Test func aStepThatDiffersIsRefused() throws {
        let other = Migration(number: 1, name: "initial", sql: Migration.initial.sql + " ")
        try SQLiteMetadataStore(path: files.path, schema: Schema(migrations: [other])).close()
        let error = #expect(throws: InvokError.self) { try files.open() }
        #expect(error?.message.contains("step 1 is not the one") == true)
    }

    @Test func aStepThatFailsChangesNothing() async throws {
        try files.open().close()
        let broken = Migration(
            number: later.migrations.count, name: "broken",
            sql: "CREATE TABLE half (id INTEGER); INSERT INTO nowhere VALUES (1)")
        #expect(throws: InvokError.self) {
            try SQLiteMetadataStore(path: files.path, schema: Schema(migrations: Schema.current.migrations + [broken]))
        }
        let store = try files.open()
        let tables = try await store.read {
            try Int.fetchOne($0, sql: "SELECT count(*) FROM sqlite_schema WHERE name = 'half'")
        }
        #expect(tables == 0)
    }

    @Test func theDatabaseOfAnotherProgramIsRefused() throws {
        let queue = try DatabaseQueue(path: files.path)
        try queue.write { try $0.execute(sql: "CREATE TABLE theirs (id INTEGER)") }
        try queue.close()
        let error = #expect(throws: InvokError.self) { try files.open() }
        #expect(error?.message.contains("another program") == true)
        #expect(error?.nextStep == "choose another INVOK_DATA_DIR")
    }
}
