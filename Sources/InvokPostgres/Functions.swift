public import Invok

extension PostgresMetadataStore {
    public func function(_ key: FunctionKey) async throws(StoreError) -> Function? {
        try await read { connection in
            try connection.execute(
                """
                SELECT namespace, name, access, active_version, created_at AS function_created_at, updated_at,
                    restarts
                FROM function WHERE namespace = $1 AND name = $2
                """, key.parameters
            ).first.map { try Function($0) }
        }
    }

    public func functions(in namespace: Namespace) async throws(StoreError) -> [FunctionRecord] {
        try await read { connection in
            try connection.execute(
                """
                SELECT f.namespace, f.name, f.access, f.active_version, f.created_at AS function_created_at,
                    f.updated_at, f.restarts, v.number, v.artifact, v.settings, v.state, v.bundle, v.reason, v.build_log,
                    v.created_by, v.created_at
                FROM function f LEFT JOIN version v
                    ON v.namespace = f.namespace AND v.name = f.name AND v.number = f.active_version
                WHERE f.namespace = $1 ORDER BY f.name
                """, [.text(of: namespace)]
            ).map { try FunctionRecord($0) }
        }
    }

    public func activeFunctions() async throws(StoreError) -> [FunctionRecord] {
        try await read { connection in
            try connection.execute(
                """
                SELECT f.namespace, f.name, f.access, f.active_version, f.created_at AS function_created_at,
                    f.updated_at, f.restarts, v.number, v.artifact, v.settings, v.state, v.bundle, v.reason, '' AS build_log,
                    v.created_by, v.created_at
                FROM function f JOIN version v
                    ON v.namespace = f.namespace AND v.name = f.name AND v.number = f.active_version
                ORDER BY f.namespace, f.name
                """
            ).map { try FunctionRecord($0) }
        }
    }

    public func setAccess(_ access: Access, of key: FunctionKey, at time: Timestamp) async throws(StoreError) {
        try await write { connection in
            let updated = try connection.execute(
                "UPDATE function SET access = $3, updated_at = $4 WHERE namespace = $1 AND name = $2",
                key.parameters + [.text(access.rawValue), .integer(time.millisecondsSinceEpoch)]
            ).affected
            guard updated == 1 else { throw StoreError.notFound }
        }
    }

    public func restart(_ key: FunctionKey) async throws(StoreError) {
        try await write { connection in
            let updated = try connection.execute(
                "UPDATE function SET restarts = restarts + 1 WHERE namespace = $1 AND name = $2", key.parameters
            ).affected
            guard updated == 1 else { throw StoreError.notFound }
        }
    }

    public func deleteFunction(_ key: FunctionKey) async throws(StoreError) {
        try await write { connection in
            // Its versions go with it; its counter stays.
            let deleted = try connection.execute(
                "DELETE FROM function WHERE namespace = $1 AND name = $2", key.parameters
            ).affected
            guard deleted == 1 else { throw StoreError.notFound }
            try connection.execute("DELETE FROM secret WHERE namespace = $1 AND function = $2", key.parameters)
        }
    }
}

extension FunctionRecord {
    fileprivate init(_ row: ResultRow) throws(PostgresError) {
        let function = try Function(row)
        self.init(function: function, active: function.activeVersion == nil ? nil : try Version(row))
    }
}
