public import Invok

extension PostgresMetadataStore {
    public func expiredVersions(_ retention: Retention, limit: Int) async throws(StoreError) -> [VersionKey] {
        try await read { connection in
            try connection.execute(
                """
                SELECT namespace, name, number FROM (
                    SELECT v.namespace, v.name, v.number, v.state, v.created_at, coalesce(q.value, $1) AS kept,
                        row_number() OVER (PARTITION BY v.namespace, v.name, v.state ORDER BY v.number DESC) AS place
                    FROM version v JOIN function f ON f.namespace = v.namespace AND f.name = v.name
                        LEFT JOIN quota q ON q.user_id = v.namespace AND q.name = 'versions'
                    WHERE v.state <> 'building' AND v.number IS DISTINCT FROM f.active_version
                ) AS version
                WHERE (state = 'ready' AND place > kept)
                    OR (state = 'failed' AND (created_at < $2 OR place > $3))
                ORDER BY namespace, name, number LIMIT $4
                """,
                [
                    .integer(retention.ready), .integer(retention.failedSince.millisecondsSinceEpoch),
                    .integer(Retention.failedLimit), .integer(limit),
                ]
            ).map { VersionKey(function: try FunctionKey($0), number: Int(try $0.integer("number"))) }
        }
    }

    public func removeVersion(_ version: VersionKey) async throws(StoreError) -> Bool {
        try await write { connection in
            let function: Function
            // Nobody makes it the active one meanwhile.
            do { function = try connection.lock(version.function) } catch StoreError.notFound { return false }
            guard function.activeVersion != version.number else { return false }
            return try connection.execute(
                """
                DELETE FROM version WHERE namespace = $1 AND name = $2 AND number = $3 AND state <> 'building'
                """, version.parameters
            ).affected == 1
        }
    }

    public func references() async throws(StoreError) -> StoreReferences {
        try await read { connection in
            let functions = try connection.execute("SELECT namespace, name FROM function").map { try FunctionKey($0) }
            // After the functions: what is begun in between is there.
            let pairs = try connection.execute("SELECT DISTINCT artifact, bundle FROM version").map { row in
                (try row.digest("artifact"), try row.optionalText("bundle") == nil ? nil : try row.digest("bundle"))
            }
            return StoreReferences(
                functions: Set(functions), artifacts: Set(pairs.map(\.0)),
                bundles: Set(pairs.compactMap { $0.1.map(BundleID.init) }))
        }
    }
}
