import GRDB
import Invok

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A row that no version of Invok can have written.
struct CorruptRow: Error, CustomStringConvertible {
    let column: String

    var description: String { "the store has a value in '\(column)' that cannot be read" }
}

extension Row {
    func identifier(_ column: String) throws -> UUIDValue { try parsed(column) { UUIDValue($0) } }

    func digest(_ column: String) throws -> Digest { try parsed(column) { Digest($0) } }

    func timestamp(_ column: String) -> Timestamp { Timestamp(millisecondsSinceEpoch: self[column]) }

    func value<Value: RawRepresentable<String>>(_ column: String) throws -> Value {
        try parsed(column) { Value(rawValue: $0) }
    }

    func parsed<Value>(_ column: String, _ parse: (String) throws -> Value?) throws -> Value {
        guard let text = self[column] as String?, let value = try? parse(text) else {
            throw CorruptRow(column: column)
        }
        return value
    }
}

extension User {
    init(_ row: Row) throws {
        self.init(
            id: try row.identifier("id"), email: try row.parsed("email") { try Email($0) },
            passwordHash: row["password_hash"], role: try row.value("role"), isDisabled: row["is_disabled"],
            createdAt: row.timestamp("created_at"))
    }
}

extension Grant {
    init(_ row: Row) throws {
        self.init(
            namespace: try row.identifier("namespace"), user: try row.identifier("user"), role: try row.value("role"))
    }
}

extension FunctionKey {
    init(_ row: Row) throws {
        self.init(namespace: try row.identifier("namespace"), name: try row.parsed("name") { try FunctionName($0) })
    }

    /// For `WHERE namespace = ? AND name = ?`.
    var arguments: StatementArguments { [namespace.description, name.description] }
}

extension Function {
    /// - Parameter createdAt: the column's name, where the row has a version's `created_at` as well.
    init(_ row: Row, _ createdAt: String = "created_at") throws {
        self.init(
            key: try FunctionKey(row), access: try row.value("access"), activeVersion: row["active_version"],
            createdAt: row.timestamp(createdAt), updatedAt: row.timestamp("updated_at"),
            restarts: row["restarts"])
    }
}

extension VersionKey {
    /// For `WHERE namespace = ? AND name = ? AND number = ?`.
    var arguments: StatementArguments { function.arguments + [number] }
}

extension Version {
    init(_ row: Row) throws {
        let state: State =
            switch row["state"] as String {
            case "building": .building
            case "ready": .ready(bundle: BundleID(try row.digest("bundle")))
            case "failed": .failed(reason: row["reason"])
            default: throw CorruptRow(column: "state")
            }
        self.init(
            key: VersionKey(function: try FunctionKey(row), number: row["number"]),
            artifact: try row.digest("artifact"),
            settings: try row.parsed("settings") {
                try JSONDecoder().decode(VersionSettings.self, from: Data($0.utf8))
            },
            state: state, buildLog: row["build_log"], createdBy: try row.identifier("created_by"),
            createdAt: row.timestamp("created_at"))
    }
}

extension VersionSettings {
    /// The `settings` column: JSON with sorted keys.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
