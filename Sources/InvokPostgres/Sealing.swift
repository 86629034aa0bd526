public import Invok

extension PostgresMetadataStore: SealedStore {
    public func installation() async throws(StoreError) -> String {
        try await read { connection in
            guard let row = try connection.execute("SELECT name FROM installation").first else {
                throw StoreError.unavailable("the store lost its schema")
            }
            return try row.text("name")
        }
    }

    public func sealing() async throws(StoreError) -> Sealing? { try await read { try $0.sealing() } }

    public func setSealing(_ sealing: Sealing, expected: Sealing?) async throws(StoreError) {
        try await write { connection in
            // One core at a time gets past the first line.
            try connection.execute("SELECT id FROM installation FOR UPDATE")
            guard try connection.sealing() == expected else {
                throw StoreError.conflict("the sealing is not as expected")
            }
            try connection.execute(
                """
                UPDATE installation SET sealing_key = $1, next_sealing_key = $2, is_sealed = $3
                """, [.text(sealing.keyName), .optional(sealing.nextKeyName), .boolean(sealing.isComplete)])
        }
    }

    public func storedVersions(after version: VersionKey?, limit: Int) async throws(StoreError) -> [StoredVersion] {
        try await read { connection in
            let rows =
                if let version {
                    try connection.execute(
                        """
                        SELECT namespace, name, number, artifact, settings FROM version
                        WHERE (namespace, name, number) > ($1, $2, $3) ORDER BY namespace, name, number LIMIT $4
                        """, version.parameters + [.integer(limit)])
                } else {
                    try connection.execute(
                        """
                        SELECT namespace, name, number, artifact, settings FROM version
                        ORDER BY namespace, name, number LIMIT $1
                        """, [.integer(limit)])
                }
            return try rows.map { try StoredVersion($0) }
        }
    }

    public func replace(_ old: StoredVersion, by new: StoredVersion) async throws(StoreError) -> Bool {
        let settings: String
        do { settings = try new.settings.json() } catch { throw .unavailable("\(error)") }
        return try await write { connection in
            let row = try connection.execute(
                """
                SELECT namespace, name, number, artifact, settings FROM version
                WHERE namespace = $1 AND name = $2 AND number = $3 FOR UPDATE
                """, old.key.parameters
            ).first
            // Compared as values: an older Invok may have written the same settings in other words.
            guard let row, try StoredVersion(row) == old else { return false }
            try connection.execute(
                """
                UPDATE version SET artifact = $4, settings = $5 WHERE namespace = $1 AND name = $2 AND number = $3
                """, old.key.parameters + [.text(of: new.artifact), .text(settings)])
            return true
        }
    }

    /// The server removes what was replaced when it vacuums; until then it is in its files, but in no dump.
    public func compact() async throws(StoreError) {}
}

extension PostgresConnection {
    fileprivate func sealing() throws -> Sealing? {
        let row = try execute("SELECT sealing_key, next_sealing_key, is_sealed FROM installation").first
        guard let row else { throw StoreError.unavailable("the store lost its schema") }
        guard let keyName = try row.optionalText("sealing_key") else { return nil }
        return Sealing(
            keyName: keyName, nextKeyName: try row.optionalText("next_sealing_key"),
            isComplete: try row.boolean("is_sealed"))
    }
}

extension StoredVersion {
    fileprivate init(_ row: ResultRow) throws(PostgresError) {
        let key = VersionKey(function: try FunctionKey(row), number: Int(try row.integer("number")))
        self.init(key: key, artifact: try row.digest("artifact"), settings: try VersionSettings(row))
    }
}
