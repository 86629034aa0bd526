import GRDB
public import Invok

/// The state of a store's schema, without changing it.
public enum SQLiteSchema {
    /// A step of the schema, and whether the store has it.
    public struct Step: Hashable, Sendable {
        public let number: Int
        public let name: String
        public let isApplied: Bool
    }

    /// What a store has of the schema; nothing, when there is no file.
    /// - Throws: as the opening of a store does.
    public static func steps(of path: String) throws(InvokError) -> [Step] {
        var applied = 0
        do {
            applied = try DatabaseQueue(path: path).read { try Schema.current.appliedCount($0) }
        } catch {
            throw SQLiteMetadataStore.openError(error, path: path)
        }
        return Schema.current.migrations.map {
            Step(number: $0.number, name: $0.name, isApplied: $0.number <= applied)
        }
    }
}
