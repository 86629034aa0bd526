import GRDB
public import Invok

extension SQLiteMetadataStore: SealedStore {
    public func installation() async throws(StoreError) -> String {
        try await read { database in
            guard let name = try String.fetchOne(database, sql: "SELECT name FROM installation") else {
                throw StoreError.unavailable("the store lost its schema")
            }
            return name
        }
    }

    public func sealing() async throws(StoreError) -> Sealing? { try await read { try $0.sealing() } }

    public func setSealing(_ sealing: Sealing, expected: Sealing?) async throws(StoreError) {
        try await write { database in
            guard try database.sealing() == expected else {
                throw StoreError.conflict("the sealing is not as expected")
            }
            try database.execute(
                sql: "UPDATE installation SET sealing_key = ?, next_sealing_key = ?, is_sealed = ?",
                arguments: [sealing.keyName, sealing.nextKeyName, sealing.isComplete])
            guard database.changesCount == 1 else { throw StoreError.unavailable("the store lost its schema") }
        }
    }

    public func storedVersions(after version: VersionKey?, limit: Int) async throws(StoreError) -> [StoredVersion] {
        try await read { database in
            let condition = version == nil ? "" : "WHERE (namespace, name, number) > (?, ?, ?)"
            return try Row.fetchAll(
                database,
                sql: "SELECT * FROM version \(condition) ORDER BY namespace, name, number LIMIT \(limit)",
                arguments: version?.arguments ?? []
            ).map { row in
                let version = try Version(row)
                return StoredVersion(key: version.key, artifact: version.artifact, settings: version.settings)
            }
        }
    }

    public func replace(_ old: StoredVersion, by new: StoredVersion) async throws(StoreError) -> Bool {
        let settings: String
        do { settings = try new.settings.json() } catch { throw .unavailable("\(error)") }
        return try await write { database in
            // Compared as values: an older Invok may have written the same settings in other words.
            guard let stored = try database.version(old.key), stored.artifact == old.artifact,
                stored.settings == old.settings
            else { return false }
            try database.execute(
                sql: """
                    UPDATE version SET artifact = ?, settings = ? WHERE namespace = ? AND name = ? AND number = ?
                    """, arguments: [new.artifact.description, settings] + old.key.arguments)
            return true
        }
    }

    /// Writes the file anew, without the pages that are free, and empties the log beside it.
    public func compact() async throws(StoreError) {
        let result: Result<Void, StoreError> = await withCheckedContinuation { continuation in
            pool.asyncWriteWithoutTransaction { database in
                continuation.resume(
                    returning: StoreError.catching {
                        try database.execute(sql: "VACUUM")
                        _ = try database.checkpoint(.truncate)
                    })
            }
        }
        try result.get()
    }
}

extension Database {
    fileprivate func sealing() throws -> Sealing? {
        guard let row = try Row.fetchOne(self, sql: "SELECT * FROM installation") else {
            throw StoreError.unavailable("the store lost its schema")
        }
        guard let keyName = row["sealing_key"] as String? else { return nil }
        return Sealing(keyName: keyName, nextKeyName: row["next_sealing_key"], isComplete: row["is_sealed"])
    }
}
