import GRDB
import Invok

extension SQLiteMetadataStore {
    public func putSecret(_ secret: StoredSecret, within quota: Quota) async throws(StoreError) {
        try await write { database in
            guard try database.hasUser(secret.key.namespace) else { throw StoreError.notFound }
            try database.holding(secret.key.namespace, within: quota) {
                try database.execute(
                    sql: """
                        INSERT INTO secret (namespace, function, purpose, name, value, changed_at)
                        VALUES (?, ?, ?, ?, ?, ?)
                        ON CONFLICT (namespace, function, purpose, name)
                            DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at
                        """,
                    arguments: secret.key.arguments + [
                        secret.value.description, secret.changedAt.millisecondsSinceEpoch,
                    ])
            }
        }
    }

    public func removeSecret(_ key: SecretKey) async throws(StoreError) {
        try await write { database in
            try database.execute(
                sql: "DELETE FROM secret WHERE namespace = ? AND function = ? AND purpose = ? AND name = ?",
                arguments: key.arguments)
            guard database.changesCount == 1 else { throw StoreError.notFound }
        }
    }

    public func secrets(in namespace: Namespace) async throws(StoreError) -> [StoredSecret] {
        try await read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM secret WHERE namespace = ? ORDER BY function, purpose, name",
                arguments: [namespace.description]
            ).map { try StoredSecret($0) }
        }
    }

    public func secrets(
        of key: FunctionKey, for purpose: SecretKey.Purpose
    ) async throws(StoreError) -> [StoredSecret] {
        try await read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM secret WHERE namespace = ? AND function IN ('', ?) AND purpose = ?
                    ORDER BY function, name
                    """, arguments: key.arguments + [purpose.rawValue]
            ).map { try StoredSecret($0) }
        }
    }

    // MARK: Sealing

    public func storedSecrets(after key: SecretKey?, limit: Int) async throws(StoreError) -> [StoredSecret] {
        try await read { database in
            let condition = key == nil ? "" : "WHERE (namespace, function, purpose, name) > (?, ?, ?, ?)"
            return try Row.fetchAll(
                database,
                sql: "SELECT * FROM secret \(condition) ORDER BY namespace, function, purpose, name LIMIT \(limit)",
                arguments: key?.arguments ?? []
            ).map { try StoredSecret($0) }
        }
    }

    public func replace(_ old: StoredSecret, by new: SealedValue) async throws(StoreError) -> Bool {
        try await write { database in
            try database.execute(
                sql: """
                    UPDATE secret SET value = ?
                    WHERE namespace = ? AND function = ? AND purpose = ? AND name = ? AND value = ?
                    """, arguments: [new.description] + old.key.arguments + [old.value.description])
            return database.changesCount == 1
        }
    }
}

extension SecretKey {
    fileprivate var arguments: StatementArguments {
        [namespace.description, function?.description ?? "", purpose.rawValue, name.description]
    }
}

extension StoredSecret {
    fileprivate init(_ row: Row) throws {
        let function: String = row["function"]
        self.init(
            key: SecretKey(
                namespace: try row.identifier("namespace"),
                function: function.isEmpty ? nil : try row.parsed("function") { try FunctionName($0) },
                purpose: try row.value("purpose"), name: try row.parsed("name") { try SecretName($0) }),
            value: try row.parsed("value") { SealedValue($0) }, changedAt: row.timestamp("changed_at"))
    }
}
