public import Invok

extension PostgresMetadataStore {
    public func beginVersion(
        _ draft: VersionDraft, access: Access, within quota: Quota
    ) async throws(StoreError) -> Version {
        let settings: String
        do { settings = try draft.settings.json() } catch { throw .unavailable("\(error)") }
        return try await write { connection in
            try connection.lockUser(draft.function.namespace)
            return try connection.holding(draft.function.namespace, within: quota) {
                try connection.begin(draft, settings, access)
            }
        }
    }

    public func activateBuilt(
        _ version: VersionKey, as built: BuiltVersion, expectedActive: Int?, access: Access?, within quota: Quota,
        at time: Timestamp
    ) async throws(StoreError) {
        try await write { connection in
            try connection.lockUser(version.function.namespace)
            let function = try connection.lock(version.function)
            guard let stored = try connection.version(version) else { throw StoreError.notFound }
            guard case .building = stored.state else { throw StoreError.conflict("\(version) is not being built") }
            let updated = try connection.holding(version.function.namespace, within: quota) {
                try connection.execute(
                    """
                    UPDATE version SET state = 'ready', bundle = $4, bundle_bytes = $5, build_log = $6
                    WHERE namespace = $1 AND name = $2 AND number = $3 AND state = 'building'
                    """,
                    version.parameters + [
                        .text(of: built.bundle), .integer(built.bundleBytes), .text(built.buildLog.printable),
                    ]
                ).affected
            }
            // A recovering core may have failed it since it was read.
            guard updated == 1 else { throw StoreError.conflict("\(version) is not being built") }
            try connection.setActive(version, of: function, expectedActive: expectedActive, access: access, at: time)
        }
    }

    public func activate(_ version: VersionKey, expectedActive: Int?, at time: Timestamp) async throws(StoreError) {
        try await write { connection in
            let function = try connection.lock(version.function)
            guard let stored = try connection.version(version) else { throw StoreError.notFound }
            guard case .ready = stored.state else { throw StoreError.conflict("\(version) is not ready") }
            try connection.setActive(version, of: function, expectedActive: expectedActive, access: nil, at: time)
        }
    }

    public func failVersion(_ version: VersionKey, reason: String, buildLog: String) async throws(StoreError) {
        _ = try await write { connection in
            try connection.execute(
                """
                UPDATE version SET state = 'failed', reason = $4, build_log = $5
                WHERE namespace = $1 AND name = $2 AND number = $3 AND state = 'building'
                """, version.parameters + [.text(reason.printable), .text(buildLog.printable)]
            ).affected
        }
    }

    public func version(_ key: VersionKey) async throws(StoreError) -> Version? {
        try await read { try $0.version(key) }
    }

    public func versions(of key: FunctionKey) async throws(StoreError) -> [Version] {
        try await read { connection in
            try connection.execute(
                """
                SELECT namespace, name, number, artifact, settings, state, bundle, reason, build_log, created_by,
                    created_at
                FROM version WHERE namespace = $1 AND name = $2 ORDER BY number DESC
                """, key.parameters
            ).map { try Version($0) }
        }
    }

    public func unfinishedVersions() async throws(StoreError) -> [Version] {
        try await read { connection in
            try connection.execute(
                """
                SELECT namespace, name, number, artifact, settings, state, bundle, reason, build_log, created_by,
                    created_at
                FROM version WHERE state = 'building' ORDER BY namespace, name, number
                """
            ).map { try Version($0) }
        }
    }
}

extension PostgresConnection {
    fileprivate func begin(_ draft: VersionDraft, _ settings: String, _ access: Access) throws -> Version {
        let key = draft.function
        let time = Parameter.integer(draft.createdAt.millisecondsSinceEpoch)
        // The update changes nothing, but locks the function: nobody deletes it from under the new version.
        try execute(
            """
            INSERT INTO function (namespace, name, access, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)
            ON CONFLICT (namespace, name) DO UPDATE SET access = function.access
            """, key.parameters + [.text(access.rawValue), time])
        let version = Version(
            key: VersionKey(function: key, number: try nextNumber(of: key)), artifact: draft.artifact,
            settings: draft.settings, state: .building, buildLog: "", createdBy: draft.createdBy,
            createdAt: draft.createdAt)
        try execute(
            """
            INSERT INTO version (namespace, name, number, artifact, artifact_bytes, settings, state, build_log,
                created_by, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, 'building', '', $7, $8)
            """,
            version.key.parameters + [
                .text(of: draft.artifact), .integer(draft.artifactBytes), .text(settings), .text(of: draft.createdBy),
                time,
            ])
        return version
    }

    fileprivate func version(_ key: VersionKey) throws -> Version? {
        try execute(
            """
            SELECT namespace, name, number, artifact, settings, state, bundle, reason, build_log, created_by, created_at
            FROM version WHERE namespace = $1 AND name = $2 AND number = $3
            """, key.parameters
        ).first.map { try Version($0) }
    }

    /// Reads a function, which nobody else changes until the transaction's end.
    func lock(_ key: FunctionKey) throws -> Function {
        let function = try execute(
            """
            SELECT namespace, name, access, active_version, created_at AS function_created_at, updated_at,
                restarts
            FROM function WHERE namespace = $1 AND name = $2 FOR UPDATE
            """, key.parameters
        ).first.map { try Function($0) }
        guard let function else { throw StoreError.notFound }
        return function
    }

    /// Counts on, also behind a function that was deleted.
    fileprivate func nextNumber(of key: FunctionKey) throws -> Int {
        let number = try execute(
            """
            INSERT INTO version_counter (namespace, name, last_number) VALUES ($1, $2, 1)
            ON CONFLICT (namespace, name) DO UPDATE SET last_number = version_counter.last_number + 1
            RETURNING last_number
            """, key.parameters
        ).first?.integer("last_number")
        guard let number else { throw StoreError.unavailable("the version counter was not read") }
        return Int(number)
    }

    fileprivate func setActive(
        _ version: VersionKey, of function: Function, expectedActive: Int?, access: Access?, at time: Timestamp
    ) throws {
        guard function.activeVersion == expectedActive else {
            throw StoreError.conflict("another version of \(version.function) became active")
        }
        try execute(
            """
            UPDATE function SET active_version = $3, access = $4, updated_at = $5 WHERE namespace = $1 AND name = $2
            """,
            version.parameters + [
                .text((access ?? function.access).rawValue), .integer(time.millisecondsSinceEpoch),
            ])
    }
}
