import Invok
import InvokLocal
import Logging
import TestSupport
import Testing

@testable import InvokPostgres

private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// How a database is brought up to date.
@Suite(.enabled(if: Services.areSelected), .timeLimit(.minutes(2)))
struct PostgresSchemaTests {
    /// Those that are there, and one that this Invok does not have yet.
    private let later =
        Schema.current.migrations + [
            Migration(
                number: Schema.current.migrations.count + 1, name: "next",
                sql: "ALTER TABLE invok_user ADD COLUMN nickname text NOT NULL DEFAULT ''")
        ]

    private func migrate(_ url: String, to migrations: [Migration]) async throws {
        let target = try PostgresTarget(url: url)
        let pool = ConnectionPool(target, statementTimeout: .seconds(10), clock: SystemClock(), logger: quiet)
        defer { pool.close() }
        try await PostgresSchema.migrate(target, pool, to: Schema(migrations: migrations))
    }

    private func open(_ url: String) async throws -> PostgresMetadataStore {
        try await PostgresMetadataStore.open(PostgresTarget(url: url), clock: SystemClock(), logger: quiet)
    }

    private func refusal(_ call: () async throws -> Void) async -> InvokError? {
        do {
            try await call()
            return nil
        } catch {
            return error as? InvokError
        }
    }

    /// The database of the first schema, as `pg_dump` wrote it when it was the only one.
    @Test func aDatabaseOfTheFirstSchemaIsMigratedAndKeepsItsContent() async throws {
        try await Services.withSchema { url in
            try await Services.sql(FirstSchema.dump, in: url)
            let store = try await open(url)
            let namespace = try #require(UUIDValue(FirstSchema.namespace))
            let user = try #require(try await store.user(namespace))
            #expect(user.role == .admin && user.email.description == "ann@example.com")
            let key = FunctionKey(namespace: namespace, name: try FunctionName("hello"))
            #expect(try await store.function(key)?.activeVersion == 2)
            #expect(try await store.versions(of: key).map(\.key.number) == [2, 1])
            let archives = PostgresArtifactStore(try PostgresTarget(url: url), clock: SystemClock(), logger: quiet)
            let active = try #require(try await store.version(VersionKey(function: key, number: 2)))
            #expect(try await !archives.get(active.artifact).isEmpty)
            let steps = try await PostgresSchema.steps(
                of: PostgresTarget(url: url), clock: SystemClock(), logger: quiet)
            #expect(steps.filter(\.isApplied) == steps)
            archives.close()
            store.close()
        }
    }

    @Test func anOlderDatabaseIsMigratedAndANewerOneRefusedUntouched() async throws {
        try await Services.withSchema { url in
            let store = try await open(url)
            let user = try await store.createUser(
                User(
                    id: UUIDValue(high: 1, low: 1), email: Email("a@example.com"), passwordHash: "hash", role: .viewer,
                    createdAt: Timestamp(millisecondsSinceEpoch: 5)))
            store.close()
            try await migrate(url, to: later)
            #expect(try await Services.sql("SELECT nickname = '' FROM invok_user", in: url) == "t")
            let error = await refusal { _ = try await open(url) }
            #expect(
                error?.message.contains("schema is version \(later.count), newer than version \(later.count - 1)")
                    == true)
            #expect(error?.nextStep == "start the Invok that wrote it, or a newer one")
            #expect(try await Services.sql("SELECT email FROM invok_user", in: url) == user.email.description)
        }
    }

    @Test func aStepThatDiffersIsRefused() async throws {
        try await Services.withSchema { url in
            try await migrate(url, to: [Migration(number: 1, name: "initial", sql: "SELECT 1")])
            let error = await refusal { _ = try await open(url) }
            #expect(error?.message.contains("step 1 is not the one") == true)
        }
    }

    @Test func aStepThatFailsChangesNothing() async throws {
        try await Services.withSchema { url in
            let broken = Migration(
                number: later.count, name: "broken",
                sql: "CREATE TABLE half (id integer); INSERT INTO nowhere VALUES (1)")
            let error = await refusal { try await migrate(url, to: Schema.current.migrations + [broken]) }
            #expect(error?.code == .unavailable)
            #expect(try await Services.sql("SELECT count(*) FROM pg_tables WHERE tablename = 'half'", in: url) == "0")
            try await open(url).close()
        }
    }

    @Test func theDatabaseOfAnotherProgramIsRefused() async throws {
        try await Services.withSchema { url in
            try await Services.sql("CREATE TABLE theirs (id integer)", in: url)
            let error = await refusal { _ = try await open(url) }
            #expect(error?.message.contains("another program") == true)
            #expect(error?.nextStep?.contains("DATABASE_URL") == true)
        }
    }
}
