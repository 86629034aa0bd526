import Invok

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension ResultRow {
    func identifier(_ column: String) throws(PostgresError) -> UUIDValue { try parsed(column) { UUIDValue($0) } }

    func digest(_ column: String) throws(PostgresError) -> Digest { try parsed(column) { Digest($0) } }

    func timestamp(_ column: String) throws(PostgresError) -> Timestamp {
        Timestamp(millisecondsSinceEpoch: try integer(column))
    }

    func value<Value: RawRepresentable<String>>(_ column: String) throws(PostgresError) -> Value {
        try parsed(column) { Value(rawValue: $0) }
    }
}

extension User {
    init(_ row: ResultRow) throws(PostgresError) {
        self.init(
            id: try row.identifier("id"), email: try row.parsed("email") { try Email($0) },
            passwordHash: try row.text("password_hash"), role: try row.value("role"),
            isDisabled: try row.boolean("is_disabled"), createdAt: try row.timestamp("created_at"))
    }
}

extension Grant {
    init(_ row: ResultRow) throws(PostgresError) {
        self.init(
            namespace: try row.identifier("namespace"), user: try row.identifier("user_id"),
            role: try row.value("role"))
    }
}

extension FunctionKey {
    init(_ row: ResultRow) throws(PostgresError) {
        self.init(namespace: try row.identifier("namespace"), name: try row.parsed("name") { try FunctionName($0) })
    }

    /// For `$1` and `$2`.
    var parameters: [Parameter] { [.text(of: namespace), .text(of: name)] }
}

extension Function {
    /// Reads `function_created_at` too, since a version that is read with it has a `created_at`.
    init(_ row: ResultRow) throws(PostgresError) {
        self.init(
            key: try FunctionKey(row), access: try row.value("access"),
            activeVersion: try row.optionalInteger("active_version"),
            createdAt: try row.timestamp("function_created_at"), updatedAt: try row.timestamp("updated_at"),
            restarts: Int(try row.integer("restarts")))
    }
}

extension VersionKey {
    /// For `$1`, `$2` and `$3`.
    var parameters: [Parameter] { function.parameters + [.integer(number)] }
}

extension Version {
    init(_ row: ResultRow) throws(PostgresError) {
        let state: State =
            switch try row.text("state") {
            case "building": .building
            case "ready": .ready(bundle: BundleID(try row.digest("bundle")))
            case "failed": .failed(reason: try row.text("reason"))
            default: throw .unusable("the store has a value in 'state' that cannot be read")
            }
        self.init(
            key: VersionKey(function: try FunctionKey(row), number: Int(try row.integer("number"))),
            artifact: try row.digest("artifact"),
            settings: try VersionSettings(row), state: state, buildLog: try row.text("build_log"),
            createdBy: try row.identifier("created_by"),
            createdAt: try row.timestamp("created_at"))
    }
}

extension VersionSettings {
    init(_ row: ResultRow) throws(PostgresError) {
        self = try row.parsed("settings") { try JSONDecoder().decode(VersionSettings.self, from: Data($0.utf8)) }
    }

    /// The `settings` column: JSON with sorted keys.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

extension String {
    /// What a program printed, as PostgreSQL can keep it: its NUL bytes are shown as U+FFFD.
    var printable: String { String(map { $0 == "\0" ? "\u{FFFD}" : $0 }) }
}
