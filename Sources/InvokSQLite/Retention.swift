import GRDB
import Invok

extension SQLiteMetadataStore {
    public func expiredVersions(_ retention: Retention, limit: Int) async throws(StoreError) -> [VersionKey] {
        try await read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT namespace, name, number FROM (
                        SELECT v.namespace, v.name, v.number, v.state, v.created_at, coalesce(q.value, :ready) AS kept,
                            row_number() OVER (PARTITION BY v.namespace, v.name, v.state ORDER BY v.number DESC) AS place
                        FROM version v JOIN function f ON f.namespace = v.namespace AND f.name = v.name
                            LEFT JOIN quota q ON q.user = v.namespace AND q.name = 'versions'
                        WHERE v.state <> 'building' AND v.number IS NOT f.active_version
                    )
                    WHERE (state = 'ready' AND place > kept)
                        OR (state = 'failed' AND (created_at < :since OR place > :failed))
                    ORDER BY namespace, name, number LIMIT :limit
                    """,
                arguments: [
                    "ready": retention.ready, "since": retention.failedSince.millisecondsSinceEpoch,
                    "failed": Retention.failedLimit, "limit": limit,
                ]
            ).map { VersionKey(function: try FunctionKey($0), number: $0["number"]) }
        }
    }

    public func removeVersion(_ version: VersionKey) async throws(StoreError) -> Bool {
        try await write { database in
            try database.execute(
                sql: """
                    DELETE FROM version WHERE namespace = ? AND name = ? AND number = ? AND state <> 'building'
                        AND NOT EXISTS (
                            SELECT 1 FROM function f
                            WHERE f.namespace = version.namespace AND f.name = version.name
                                AND f.active_version = version.number
                        )
                    """, arguments: version.arguments)
            return database.changesCount == 1
        }
    }

    public func references() async throws(StoreError) -> StoreReferences {
        try await read { database in
            let functions = try Row.fetchAll(database, sql: "SELECT namespace, name FROM function")
            let artifacts = try Row.fetchAll(database, sql: "SELECT DISTINCT artifact FROM version")
            let bundles = try Row.fetchAll(
                database, sql: "SELECT DISTINCT bundle FROM version WHERE bundle IS NOT NULL")
            return StoreReferences(
                functions: Set(try functions.map { try FunctionKey($0) }),
                artifacts: Set(try artifacts.map { try $0.digest("artifact") }),
                bundles: Set(try bundles.map { BundleID(try $0.digest("bundle")) }))
        }
    }
}
