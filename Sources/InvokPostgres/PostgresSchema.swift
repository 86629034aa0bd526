public import Invok
public import Logging

/// The state of a database's schema, and how it is brought up to date.
public enum PostgresSchema {
    /// A step of the schema, and whether the database has it.
    public struct Step: Hashable, Sendable {
        public let number: Int
        public let name: String
        public let isApplied: Bool
    }

    /// What the database has of the schema.
    /// - Throws: as `PostgresMetadataStore.open`.
    public static func steps(
        of target: PostgresTarget, clock: any Clock, logger: Logger
    ) async throws(InvokError) -> [Step] {
        let pool = ConnectionPool(
            target, statementTimeout: PostgresMetadataStore.statementTimeout, clock: clock, logger: logger)
        defer { pool.close() }
        do {
            let applied = try await pool.read { try Schema.current.steps($0) }.get()
            return Schema.current.migrations.map {
                Step(number: $0.number, name: $0.name, isApplied: $0.number <= applied)
            }
        } catch {
            throw startError(error, target)
        }
    }

    static func migrate(
        _ target: PostgresTarget, _ pool: ConnectionPool, to schema: Schema = .current
    ) async throws(InvokError) {
        do {
            try await pool.write { try schema.migrate($0) }.get()
        } catch {
            throw startError(error, target)
        }
    }

    /// An error for whoever starts the server.
    static func startError(_ error: any Error, _ target: PostgresTarget) -> InvokError {
        let store = "the PostgreSQL database \(target)"
        switch error {
        case let error as SchemaError:
            return InvokError(
                .unavailable, "\(store) cannot be used: \(error.message)",
                nextStep: error.nextStep(ownDatabase: "give Invok a database of its own in DATABASE_URL"))
        case PostgresError.notConnected(let state, let reason):
            return InvokError(
                .unavailable, "\(store) cannot be opened", nextStep: nextStep(state, target), inner: reason)
        case PostgresError.refused(.diskFull, let reason):
            return InvokError(.storageFull, "no space is left for \(store)", nextStep: "free some space", inner: reason)
        default:
            return InvokError(
                .unavailable, "\(store) cannot be used", nextStep: "look into the server's log", inner: "\(error)")
        }
    }

    private static func nextStep(_ state: SQLState?, _ target: PostgresTarget) -> String {
        switch state {
        case .invalidPassword?: "check the user and the password in DATABASE_URL"
        case .invalidAuthorization?: "check the user in DATABASE_URL, and that pg_hba.conf lets it in from here"
        case .unknownDatabase?: "make the database (createdb \(target.database)), or correct its name in DATABASE_URL"
        case .tooManyConnections?: "raise the server's max_connections, or end other sessions"
        default: "check that the server runs and that DATABASE_URL has its host, port and sslmode"
        }
    }
}
