import Invok

/// What went wrong between this process and a PostgreSQL server. No text of it carries a parameter or a password.
enum PostgresError: Error, Hashable, Sendable {
    /// No session came about, so nothing was asked. The state is the server's word, where it had one.
    case notConnected(SQLState?, String)
    /// The session ended, or the server did not answer in time: the last statement may or may not have happened.
    case lost(String)
    /// The server refused the statement, and did nothing.
    case refused(SQLState, String)
    /// What was given or read cannot be used.
    case unusable(String)
    /// No connection came free in time, or too many wait for one.
    case busy
    /// The pool was shut down.
    case closed
}

/// The five characters by which a PostgreSQL server names an error (PostgreSQL's documentation, appendix A).
struct SQLState: Hashable, Sendable, CustomStringConvertible {
    let code: String

    init(_ code: String) { self.code = code }

    var description: String { code }

    static let diskFull = SQLState("53100")
    static let foreignKeyViolation = SQLState("23503")
    static let invalidPassword = SQLState("28P01")
    static let invalidAuthorization = SQLState("28000")
    static let unknownDatabase = SQLState("3D000")
    static let serializationFailure = SQLState("40001")
    static let deadlock = SQLState("40P01")
    static let lockNotAvailable = SQLState("55P03")
    static let queryCanceled = SQLState("57014")
    static let tooManyConnections = SQLState("53300")
    /// A prepared statement is gone, or its plan is for columns that a migration has changed.
    static let unknownStatement = SQLState("26000")
    static let staleStatement = SQLState("0A000")
    /// A standby that was a primary before.
    static let readOnly = SQLState("25006")

    /// A row contradicts another or a rule of its table.
    var isIntegrityViolation: Bool { code.hasPrefix("23") }
    /// The server ends the session: connection exceptions, a shutdown, an operator's command.
    var endsSession: Bool { code.hasPrefix("08") || code.hasPrefix("57P") }
    /// The session is better made anew before it is asked again.
    var spoilsSession: Bool { endsSession || [.unknownStatement, .staleStatement, .readOnly].contains(self) }
    /// The same statements may succeed when they are all run again.
    var isTransient: Bool { spoilsSession || self == .serializationFailure || self == .deadlock }
}

extension PostgresError {
    /// Whether all may be run again from the start: certain that nothing happened, or that reading was all.
    var mayBeRunAgain: Bool {
        switch self {
        case .lost: true
        case .refused(let state, _): state.isTransient
        case .notConnected, .unusable, .busy, .closed: false
        }
    }
}

extension PostgresError: CustomStringConvertible {
    var description: String {
        switch self {
        case .notConnected(_, let reason): "PostgreSQL cannot be reached: \(reason)"
        case .lost(let reason): "PostgreSQL went away: \(reason)"
        case .refused(let state, let message): "PostgreSQL error \(state): \(message)"
        case .unusable(let reason): reason
        case .busy: "too many wait for PostgreSQL"
        case .closed: "the store is closed"
        }
    }
}

extension StoreError {
    /// What an error of the database or of a row means to the caller.
    init(_ error: any Error) {
        switch error {
        case let error as StoreError: self = error
        case PostgresError.refused(.diskFull, _): self = .full
        case PostgresError.refused(let state, let message) where state.isIntegrityViolation: self = .conflict(message)
        default: self = .unavailable("\(error)")
        }
    }
}

extension ArtifactError {
    init(_ error: any Error) {
        switch error {
        case let error as ArtifactError: self = error
        case let error as InvokError: self.init(reading: error)
        case PostgresError.refused(.diskFull, _): self = .full
        default: self = .unavailable("\(error)")
        }
    }
}
