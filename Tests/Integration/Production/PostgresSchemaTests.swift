import Foundation
import Invok
import InvokEmbedded
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
            let active = try #require(try await store.version(VersionKey(function: key, number: 2)))
            try await withArchives(url) { archives in
                let archive = try await archives.open(active.artifact)
                #expect(archive.count > 0)
            }
            let steps = try await PostgresSchema.steps(
                of: PostgresTarget(url: url), clock: SystemClock(), logger: quiet)
            #expect(steps.filter(\.isApplied) == steps)
            store.close()
        }
    }

    private func withArchives(_ url: String, _ body: (PostgresArtifactStore) async throws -> Void) async throws {
        try await withFolder { folder in
            let archives = PostgresArtifactStore(
                try PostgresTarget(url: url), spool: try FileSpool(directory: folder.path), clock: SystemClock(),
                logger: quiet)
            defer { archives.close() }
            try await body(archives)
        }
    }

    /// Archives of any size, as they were kept before there were parts.
    @Test(arguments: [0, 1, 1_048_575, 1_048_576, 1_048_577, 3_000_000])
    func anArchiveThatIsKeptWholeIsKeptInParts(bytes: Int) async throws {
        try await Services.withSchema { url in
            try await migrate(url, to: Array(Schema.current.migrations.prefix(3)))
            let digest = try await Services.sql(
                """
                INSERT INTO artifact (digest, content)
                SELECT encode(sha256(content), 'hex'), content
                FROM (SELECT substring(convert_to(repeat('all ways', 400000), 'UTF8') FOR \(bytes)) AS content) AS old
                RETURNING digest
                """, in: url)
            try await open(url).close()
            try await withArchives(url) { archives in
                let source = try await archives.open(try #require(Digest(digest)))
                #expect(source.count == bytes)
                #expect(
                    try source.beginning(.max)
                        == Array(Array(repeating: "all ways", count: 400_000).joined().utf8.prefix(bytes)))
            }
            #expect(
                try await Services.sql(
                    "SELECT count(*), coalesce(max(octet_length(content)), 0) FROM artifact_part", in: url)
                    == "\((bytes + 1_048_575) / 1_048_576)|\(min(bytes, 1_048_576))")
        }
    }

    @Test func aPartThatIsGoneIsDamage() async throws {
        try await Services.withSchema { url in
            try await open(url).close()
            try await withArchives(url) { archives in
                let digest = try await archives.put([UInt8](repeating: 7, count: 3 << 20))
                try await Services.sql("DELETE FROM artifact_part WHERE number = 1", in: url)
                await #expect(throws: ArtifactError.corrupt) { try await archives.open(digest) }
                _ = try await archives.put([UInt8](repeating: 7, count: 3 << 20))
                #expect(try await archives.open(digest).count == 3 << 20)
            }
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
