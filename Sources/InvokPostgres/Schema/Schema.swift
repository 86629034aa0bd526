import Invok

/// One numbered step of the schema. Once released it never changes: the store keeps its digest and checks it.
struct Migration: Sendable {
    let number: Int
    let name: String
    let sql: Statement

    var digest: String { Digest(of: sql.sql.utf8).description }
}

/// All steps from an empty schema to what this Invok expects.
///
/// They are taken in one transaction behind a lock, so that several cores may start at once. Everything lives in the
/// session's first schema (`search_path`), which is `public` unless the URL's `options` say otherwise.
struct Schema: Sendable {
    static let current = Schema(migrations: [.initial, .quotas, .sealing, .artifactParts, .secrets, .accounts])

    /// Numbered from 1 without gaps.
    let migrations: [Migration]

    /// Brings the database up to date, or changes nothing. Call it within a transaction.
    /// - Throws: `SchemaError` when the schema is not Invok's, is newer, or has a step that differs.
    func migrate(_ connection: PostgresConnection) throws {
        // A migration may take long, and so may waiting for another core's.
        try connection.run("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
        try connection.run(
            "SELECT pg_advisory_xact_lock(hashtextextended('invok migration ' || current_schema(), 0))",
            isLimited: false)
        let applied = try steps(connection)
        try connection.run(
            """
            CREATE TABLE IF NOT EXISTS invok_migration (
                number integer NOT NULL PRIMARY KEY, name text NOT NULL, digest text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now()
            )
            """)
        for migration in migrations.dropFirst(applied) {
            try connection.run(migration.sql, isLimited: false)
            try connection.execute(
                "INSERT INTO invok_migration (number, name, digest) VALUES ($1, $2, $3)",
                [.integer(migration.number), .text(migration.name), .text(migration.digest)])
        }
    }

    /// How many of the steps the database has.
    /// - Throws: `SchemaError`.
    func steps(_ connection: PostgresConnection) throws -> Int {
        let tables = try connection.execute(
            "SELECT tablename AS name FROM pg_catalog.pg_tables WHERE schemaname = current_schema()"
        ).map { try $0.text("name") }
        guard tables.contains("invok_migration") else {
            guard tables.isEmpty else { throw SchemaError.foreign }
            return 0
        }
        let applied = try connection.execute("SELECT number, digest FROM invok_migration ORDER BY number")
        guard applied.count <= migrations.count else {
            throw SchemaError.newer(found: applied.count, known: migrations.count)
        }
        let found = try applied.map { (try $0.integer("number"), try $0.text("digest")) }
        for ((number, digest), migration) in zip(found, migrations) {
            guard number == migration.number, digest == migration.digest else {
                throw SchemaError.differs(number: migration.number)
            }
        }
        return applied.count
    }
}
