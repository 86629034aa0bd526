public import Invok

extension PostgresMetadataStore {
    public func putSecret(_ secret: StoredSecret, within quota: Quota) async throws(StoreError) {
        try await write { connection in
            try connection.lockUser(secret.key.namespace)
            try connection.holding(secret.key.namespace, within: quota) {
                _ = try connection.execute(
                    """
                    INSERT INTO secret (namespace, function, purpose, name, value, changed_at)
                    VALUES ($1, $2, $3, $4, $5, $6)
                    ON CONFLICT (namespace, function, purpose, name)
                        DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at
                    """,
                    secret.key.parameters + [
                        .text(secret.value.description), .integer(secret.changedAt.millisecondsSinceEpoch),
                    ])
            }
        }
    }

    public func removeSecret(_ key: SecretKey) async throws(StoreError) {
        try await write { connection in
            let removed = try connection.execute(
                "DELETE FROM secret WHERE namespace = $1 AND function = $2 AND purpose = $3 AND name = $4",
                key.parameters
            ).affected
            guard removed == 1 else { throw StoreError.notFound }
        }
    }

    public func secrets(in namespace: Namespace) async throws(StoreError) -> [StoredSecret] {
        try await read { connection in
            try connection.execute(
                "SELECT * FROM secret WHERE namespace = $1 ORDER BY function, purpose, name", [.text(of: namespace)]
            ).map { try StoredSecret($0) }
        }
    }

    public func secrets(
        of key: FunctionKey, for purpose: SecretKey.Purpose
    ) async throws(StoreError) -> [StoredSecret] {
        try await read { connection in
            try connection.execute(
                """
                SELECT * FROM secret WHERE namespace = $1 AND function IN ('', $2) AND purpose = $3
                ORDER BY function, name
                """, key.parameters + [.text(purpose.rawValue)]
            ).map { try StoredSecret($0) }
        }
    }

    // MARK: Sealing

    public func storedSecrets(after key: SecretKey?, limit: Int) async throws(StoreError) -> [StoredSecret] {
        try await read { connection in
            let rows =
                if let key {
                    try connection.execute(
                        """
                        SELECT * FROM secret WHERE (namespace, function, purpose, name) > ($1, $2, $3, $4)
                        ORDER BY namespace, function, purpose, name LIMIT $5
                        """, key.parameters + [.integer(limit)])
                } else {
                    try connection.execute(
                        "SELECT * FROM secret ORDER BY namespace, function, purpose, name LIMIT $1",
                        [.integer(limit)])
                }
            return try rows.map { try StoredSecret($0) }
        }
    }

    public func replace(_ old: StoredSecret, by new: SealedValue) async throws(StoreError) -> Bool {
        try await write { connection in
            try connection.execute(
                """
                UPDATE secret SET value = $5
                WHERE namespace = $1 AND function = $2 AND purpose = $3 AND name = $4 AND value = $6
                """, old.key.parameters + [.text(new.description), .text(old.value.description)]
            ).affected == 1
        }
    }
}

extension SecretKey {
    fileprivate var parameters: [Parameter] {
        [
            .text(of: namespace), .text(function?.description ?? ""), .text(purpose.rawValue), .text(name.description),
        ]
    }
}

extension StoredSecret {
    fileprivate init(_ row: ResultRow) throws(PostgresError) {
        let hasFunction = try !row.text("function").isEmpty
        self.init(
            key: SecretKey(
                namespace: try row.identifier("namespace"),
                function: hasFunction ? try row.parsed("function") { try FunctionName($0) } : nil,
                purpose: try row.value("purpose"), name: try row.parsed("name") { try SecretName($0) }),
            value: try row.parsed("value") { SealedValue($0) }, changedAt: try row.timestamp("changed_at"))
    }
}
