import GRDB
import Invok

extension SQLiteMetadataStore {
    public func function(_ key: FunctionKey) async throws(StoreError) -> Function? {
        try await read { try $0.function(key) }
    }

    public func functions(in namespace: Namespace) async throws(StoreError) -> [FunctionRecord] {
        try await read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT f.namespace, f.name, f.access, f.active_version, f.created_at AS function_created_at,
                        f.updated_at, f.restarts, v.number, v.artifact, v.settings, v.state, v.bundle, v.reason, v.build_log,
                        v.created_by, v.created_at
                    FROM function f LEFT JOIN version v
                        ON v.namespace = f.namespace AND v.name = f.name AND v.number = f.active_version
                    WHERE f.namespace = ? ORDER BY f.name
                    """, arguments: [namespace.description]
            ).map { try FunctionRecord($0) }
        }
    }

    public func activeFunctions() async throws(StoreError) -> [FunctionRecord] {
        try await read { database in
            try Row.fetchAll(
                database,
                sql: """
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
        try await write { database in
            try database.execute(
                sql: "UPDATE function SET access = ?, updated_at = ? WHERE namespace = ? AND name = ?",
                arguments: [access.rawValue, time.millisecondsSinceEpoch] + key.arguments)
            guard database.changesCount == 1 else { throw StoreError.notFound }
        }
    }

    public func restart(_ key: FunctionKey) async throws(StoreError) {
        try await write { database in
            try database.execute(
                sql: "UPDATE function SET restarts = restarts + 1 WHERE namespace = ? AND name = ?",
                arguments: key.arguments)
            guard database.changesCount == 1 else { throw StoreError.notFound }
        }
    }

    public func deleteFunction(_ key: FunctionKey) async throws(StoreError) {
        try await write { database in
            // Its versions go with it; its counter stays.
            try database.execute(
                sql: "DELETE FROM function WHERE namespace = ? AND name = ?", arguments: key.arguments)
            guard database.changesCount == 1 else { throw StoreError.notFound }
            try database.execute(
                sql: "DELETE FROM secret WHERE namespace = ? AND function = ?", arguments: key.arguments)
        }
    }

    public func check() async throws(StoreError) {
        // It could be committed, and is not: a write each second would wear out the disk for nothing.
        try await tryWrite { database in
            try database.execute(sql: "UPDATE health_check SET count = count + 1")
            guard database.changesCount == 1 else { throw StoreError.unavailable("the store lost its schema") }
        }
    }
}

extension Database {
    func function(_ key: FunctionKey) throws -> Function? {
        try Row.fetchOne(
            self, sql: "SELECT * FROM function WHERE namespace = ? AND name = ?", arguments: key.arguments
        ).map { try Function($0) }
    }
}

extension FunctionRecord {
    /// Of a row in which the function's `created_at` is called `function_created_at`.
    fileprivate init(_ row: Row) throws {
        let function = try Function(row, "function_created_at")
        self.init(function: function, active: function.activeVersion == nil ? nil : try Version(row))
    }
}
