import GRDB
import Invok

extension SQLiteMetadataStore {
    public func beginVersion(
        _ draft: VersionDraft, access: Access, within quota: Quota
    ) async throws(StoreError) -> Version {
        let settings: String
        do { settings = try draft.settings.json() } catch { throw .unavailable("\(error)") }
        return try await write { database in
            guard try database.hasUser(draft.function.namespace) else { throw StoreError.notFound }
            return try database.holding(draft.function.namespace, within: quota) {
                try database.begin(draft, settings, access)
            }
        }
    }

    public func activateBuilt(
        _ version: VersionKey, as built: BuiltVersion, expectedActive: Int?, access: Access?, within quota: Quota,
        at time: Timestamp
    ) async throws(StoreError) {
        try await write { database in
            guard let stored = try database.version(version) else { throw StoreError.notFound }
            guard case .building = stored.state else { throw StoreError.conflict("\(version) is not being built") }
            try database.holding(version.function.namespace, within: quota) {
                try database.execute(
                    sql: """
                        UPDATE version SET state = 'ready', bundle = ?, bundle_bytes = ?, build_log = ?
                        WHERE namespace = ? AND name = ? AND number = ?
                        """,
                    arguments: [built.bundle.description, built.bundleBytes, built.buildLog] + version.arguments)
            }
            try database.setActive(version, expectedActive: expectedActive, access: access, at: time)
        }
    }

    public func activate(
        _ version: VersionKey, expectedActive: Int?, at time: Timestamp
    ) async throws(StoreError) {
        try await write { database in
            guard let stored = try database.version(version) else { throw StoreError.notFound }
            guard case .ready = stored.state else { throw StoreError.conflict("\(version) is not ready") }
            try database.setActive(version, expectedActive: expectedActive, access: nil, at: time)
        }
    }

    public func failVersion(_ version: VersionKey, reason: String, buildLog: String) async throws(StoreError) {
        try await write { database in
            try database.execute(
                sql: """
                    UPDATE version SET state = 'failed', reason = ?, build_log = ?
                    WHERE namespace = ? AND name = ? AND number = ? AND state = 'building'
                    """,
                arguments: [reason, buildLog] + version.arguments)
        }
    }

    public func version(_ key: VersionKey) async throws(StoreError) -> Version? {
        try await read { try $0.version(key) }
    }

    public func versions(of key: FunctionKey) async throws(StoreError) -> [Version] {
        try await read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM version WHERE namespace = ? AND name = ? ORDER BY number DESC",
                arguments: key.arguments
            ).map { try Version($0) }
        }
    }

    public func unfinishedVersions() async throws(StoreError) -> [Version] {
        try await read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM version WHERE state = 'building' ORDER BY namespace, name, number"
            ).map { try Version($0) }
        }
    }
}

extension SQLiteMetadataStore: MetadataStore {}

extension Database {
    func version(_ key: VersionKey) throws -> Version? {
        try Row.fetchOne(
            self, sql: "SELECT * FROM version WHERE namespace = ? AND name = ? AND number = ?",
            arguments: key.arguments
        ).map { try Version($0) }
    }

    fileprivate func begin(_ draft: VersionDraft, _ settings: String, _ access: Access) throws -> Version {
        let time = draft.createdAt.millisecondsSinceEpoch
        try execute(
            sql: """
                INSERT INTO function (namespace, name, access, created_at, updated_at) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT DO NOTHING
                """,
            arguments: draft.function.arguments + [access.rawValue, time, time])
        let version = Version(
            key: VersionKey(function: draft.function, number: try nextNumber(of: draft.function)),
            artifact: draft.artifact, settings: draft.settings, state: .building, buildLog: "",
            createdBy: draft.createdBy, createdAt: draft.createdAt)
        try execute(
            sql: """
                INSERT INTO version (namespace, name, number, artifact, artifact_bytes, settings, state, build_log,
                    created_by, created_at)
                VALUES (?, ?, ?, ?, ?, ?, 'building', '', ?, ?)
                """,
            arguments: version.key.arguments + [
                draft.artifact.description, draft.artifactBytes, settings, draft.createdBy.description, time,
            ])
        return version
    }

    /// Counts on, also behind a function that was deleted.
    fileprivate func nextNumber(of key: FunctionKey) throws -> Int {
        let number = try Int.fetchOne(
            self,
            sql: """
                INSERT INTO version_counter (namespace, name, last_number) VALUES (?, ?, 1)
                ON CONFLICT (namespace, name) DO UPDATE SET last_number = last_number + 1
                RETURNING last_number
                """,
            arguments: key.arguments)
        guard let number else { throw StoreError.unavailable("the version counter was not read") }
        return number
    }

    fileprivate func setActive(
        _ version: VersionKey, expectedActive: Int?, access: Access?, at time: Timestamp
    ) throws {
        guard let function = try function(version.function) else { throw StoreError.notFound }
        guard function.activeVersion == expectedActive else {
            throw StoreError.conflict("another version of \(version.function) became active")
        }
        try execute(
            sql: "UPDATE function SET active_version = ?, access = ?, updated_at = ? WHERE namespace = ? AND name = ?",
            arguments: [version.number, (access ?? function.access).rawValue, time.millisecondsSinceEpoch]
                + version.function.arguments)
    }
}
