public import Invok

extension PostgresMetadataStore {
    public func onlyUser() async throws(StoreError) -> UserID? {
        try await read { connection in
            let users = try connection.execute("SELECT id FROM invok_user LIMIT 2")
            return users.count == 1 ? try users.first?.identifier("id") : nil
        }
    }

    public func setQuota(_ name: Quota.Name, of user: UserID, to value: Int?) async throws(StoreError) {
        try await write { connection in
            guard let value else {
                try connection.lockUser(user)
                try connection.execute(
                    "DELETE FROM quota WHERE user_id = $1 AND name = $2", [.text(of: user), .text(name.rawValue)])
                return
            }
            do {
                try connection.execute(
                    """
                    INSERT INTO quota (user_id, name, value) VALUES ($1, $2, $3)
                    ON CONFLICT (user_id, name) DO UPDATE SET value = excluded.value
                    """, [.text(of: user), .text(name.rawValue), .integer(value)])
            } catch PostgresError.refused(.foreignKeyViolation, _) {
                throw StoreError.notFound
            }
        }
    }

    public func quotaOverrides() async throws(StoreError) -> [UserID: Quota.Overrides] {
        try await read { connection in
            let rows = try connection.execute("SELECT user_id, name, value FROM quota").map { row in
                (user: try row.identifier("user_id"), name: try row.text("name"), value: Int(try row.integer("value")))
            }
            var overrides: [UserID: Quota.Overrides] = [:]
            for row in rows {
                // A newer Invok may know more of them.
                guard let name = Quota.Name(rawValue: row.name) else { continue }
                overrides[row.user, default: [:]][name] = row.value
            }
            return overrides
        }
    }

    public func usage(of namespace: Namespace) async throws(StoreError) -> StoredUsage {
        try await read { try $0.usage(of: namespace) }
    }
}

extension PostgresConnection {
    /// Makes a change within a transaction, which it ends by an error when the namespace would hold too much.
    func holding<Value>(_ namespace: Namespace, within quota: Quota, _ change: () throws -> Value) throws -> Value {
        let before = try usage(of: namespace)
        let value = try change()
        if let excess = quota.excess(from: before, to: try usage(of: namespace)) { throw StoreError.exceeded(excess) }
        return value
    }

    /// Nothing else is added to what the user holds until the transaction's end. Take this lock before a function's.
    /// - Throws: `notFound`.
    func lockUser(_ user: UserID) throws {
        let found = try execute("SELECT 1 FROM invok_user WHERE id = $1 FOR NO KEY UPDATE", [.text(of: user)]).count
        guard found == 1 else { throw StoreError.notFound }
    }

    fileprivate func usage(of namespace: Namespace) throws -> StoredUsage {
        let row = try execute(
            """
            SELECT (SELECT count(*) FROM function WHERE namespace = $1) AS functions,
                (SELECT count(*) FROM secret WHERE namespace = $1) AS secrets,
                (SELECT coalesce(sum(bytes), 0) FROM (
                    SELECT max(artifact_bytes) AS bytes FROM version WHERE namespace = $1 GROUP BY artifact
                ) AS artifacts) + (SELECT coalesce(sum(bytes), 0) FROM (
                    SELECT max(bundle_bytes) AS bytes FROM version
                    WHERE namespace = $1 AND bundle IS NOT NULL GROUP BY bundle
                ) AS bundles) AS bytes
            """, [.text(of: namespace)]
        ).first
        guard let row else { throw StoreError.unavailable("the usage was not read") }
        return StoredUsage(
            functions: Int(try row.integer("functions")), bytes: Int(try row.integer("bytes")),
            secrets: Int(try row.integer("secrets")))
    }
}
