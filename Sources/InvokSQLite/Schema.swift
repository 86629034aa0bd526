import GRDB
import Invok

/// One numbered step of the schema. Once released it never changes: the store keeps its digest and checks it.
struct Migration: Sendable {
    let number: Int
    let name: String
    let sql: String

    var digest: String { Digest(of: sql.utf8).description }
}

/// All steps from an empty file to what this Invok expects.
struct Schema: Sendable {
    /// Marks a file as an Invok store (`PRAGMA application_id`): "Invk".
    static let applicationID: Int32 = 0x496E_766B

    static let current = Schema(migrations: [.initial, .quotas, .sealing, .secrets, .accounts])

    /// Numbered from 1 without gaps.
    let migrations: [Migration]

    /// Brings the database up to date, or changes nothing.
    /// - Throws: `SchemaError` when the file is not an Invok store, is newer, or has a step that differs.
    func migrate(_ database: Database) throws {
        try checkOwner(database)
        try database.execute(
            sql: """
                CREATE TABLE IF NOT EXISTS migration (
                    number INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL
                ) STRICT
                """)
        let applied = try appliedCount(database)
        for migration in migrations.dropFirst(applied) {
            try database.execute(sql: migration.sql)
            try database.execute(
                sql: "INSERT INTO migration (number, name, digest) VALUES (?, ?, ?)",
                arguments: [migration.number, migration.name, migration.digest])
        }
        try database.checkForeignKeys()
    }

    /// How many of the steps the database has.
    /// - Throws: `SchemaError`.
    func appliedCount(_ database: Database) throws -> Int {
        guard try database.tableExists("migration") else {
            guard try tableCount(database) == 0 else { throw SchemaError.foreign }
            return 0
        }
        let applied = try Row.fetchAll(database, sql: "SELECT number, name, digest FROM migration ORDER BY number")
        guard applied.count <= migrations.count else {
            throw SchemaError.newer(found: applied.count, known: migrations.count)
        }
        for (row, migration) in zip(applied, migrations) {
            guard row["number"] == migration.number, row["digest"] == migration.digest else {
                throw SchemaError.differs(number: migration.number)
            }
        }
        return applied.count
    }

    private func tableCount(_ database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
    }

    private func checkOwner(_ database: Database) throws {
        let owner = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        guard owner != Self.applicationID else { return }
        guard owner == 0, try tableCount(database) == 0 else { throw SchemaError.foreign }
        try database.execute(sql: "PRAGMA application_id = \(Self.applicationID)")
    }
}
