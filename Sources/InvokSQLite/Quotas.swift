import GRDB
import Invok

extension SQLiteMetadataStore {
    public func onlyUser() async throws(StoreError) -> UserID? {
        try await read { database in
            let users = try Row.fetchAll(database, sql: "SELECT id FROM user LIMIT 2")
            return users.count == 1 ? try users[0].identifier("id") : nil
        }
    }

    public func setQuota(_ name: Quota.Name, of user: UserID, to value: Int?) async throws(StoreError) {
        try await write { database in
            guard try database.hasUser(user) else { throw StoreError.notFound }
            guard let value else {
                return try database.execute(
                    sql: "DELETE FROM quota WHERE user = ? AND name = ?",
                    arguments: [user.description, name.rawValue])
            }
            try database.execute(
                sql: """
                    INSERT INTO quota (user, name, value) VALUES (?, ?, ?)
                    ON CONFLICT (user, name) DO UPDATE SET value = excluded.value
                    """, arguments: [user.description, name.rawValue, value])
        }
    }

    public func quotaOverrides() async throws(StoreError) -> [UserID: Quota.Overrides] {
        try await read { database in
            var overrides: [UserID: Quota.Overrides] = [:]
            for row in try Row.fetchAll(database, sql: "SELECT user, name, value FROM quota") {
                // A newer Invok may know more of them.
                guard let name = Quota.Name(rawValue: row["name"]) else { continue }
                overrides[try row.identifier("user"), default: [:]][name] = row["value"]
            }
            return overrides
        }
    }

    public func usage(of namespace: Namespace) async throws(StoreError) -> StoredUsage {
        try await read { try $0.usage(of: namespace) }
    }
}

extension Database {
    /// Makes a change within a transaction, which it ends by an error when the namespace would hold too much.
    func holding<Value>(_ namespace: Namespace, within quota: Quota, _ change: () throws -> Value) throws -> Value {
        let before = try usage(of: namespace)
        let value = try change()
        if let excess = quota.excess(from: before, to: try usage(of: namespace)) { throw StoreError.exceeded(excess) }
        return value
    }

    fileprivate func usage(of namespace: Namespace) throws -> StoredUsage {
        let row = try Row.fetchOne(
            self,
            sql: """
                SELECT (SELECT count(*) FROM function WHERE namespace = :namespace) AS functions,
                    (SELECT count(*) FROM secret WHERE namespace = :namespace) AS secrets,
                    (SELECT coalesce(sum(bytes), 0) FROM (
                        SELECT max(artifact_bytes) AS bytes FROM version WHERE namespace = :namespace GROUP BY artifact
                    )) + (SELECT coalesce(sum(bytes), 0) FROM (
                        SELECT max(bundle_bytes) AS bytes FROM version
                        WHERE namespace = :namespace AND bundle IS NOT NULL GROUP BY bundle
                    )) AS bytes
                """, arguments: ["namespace": namespace.description])
        guard let row else { throw StoreError.unavailable("the usage was not read") }
        return StoredUsage(functions: row["functions"], bytes: row["bytes"], secrets: row["secrets"])
    }
}
