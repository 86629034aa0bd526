import GRDB
import Invok

/// The `MetadataStore` of the embedded world: one SQLite file in WAL mode.
///
/// Writes are synced to the disk before they are acknowledged (`synchronous = FULL`), so that an acknowledged deploy
/// survives a power loss. One process at a time owns the file; its lock is not this type's business.
public final class SQLiteMetadataStore: Sendable {
    /// How long a statement waits for a lock that another process holds, in seconds.
    static let busyTimeoutSeconds = 5.0

    let pool: DatabasePool

    /// Opens the store, creates the file if there is none, and brings its schema up to date.
    /// - Parameter path: the database's file; its directory exists.
    /// - Throws: `InvokError` with `storage_full`, or `unavailable` when the file cannot be opened, is no Invok store,
    ///   or was written by a newer Invok.
    public convenience init(path: String) throws(InvokError) {
        try self.init(path: path, schema: .current)
    }

    init(path: String, schema: Schema) throws(InvokError) {
        do {
            var configuration = Configuration()
            configuration.label = "invok"
            configuration.foreignKeysEnabled = true
            configuration.busyMode = .timeout(Self.busyTimeoutSeconds)
            // What is deleted or replaced is overwritten in the file, too.
            configuration.prepareDatabase { try $0.execute(sql: "PRAGMA secure_delete = ON") }
            pool = try DatabasePool(path: path, configuration: configuration)
            // Opening a WAL database sets NORMAL, which loses the last commits when the power fails.
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            try pool.write { try schema.migrate($0) }
        } catch {
            throw Self.openError(error, path: path)
        }
    }

    /// Finishes what runs and closes the file. Every later call throws `unavailable`.
    /// - Throws: `unavailable` when a connection is still in use.
    public func close() throws(StoreError) {
        do { try pool.close() } catch { throw StoreError(error) }
    }

    // MARK: Transactions

    /// Runs one write transaction on the writer's queue. It is not cancelled with the calling task: a caller that goes
    /// away in the middle must not leave a deploy in doubt.
    func write<Value: Sendable>(
        _ updates: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            pool.asyncWriteWithoutTransaction { database in
                continuation.resume(returning: StoreError.catching { try Self.transaction(database, updates) })
            }
        }
        return try result.get()
    }

    /// Runs a write transaction and rolls it back.
    func tryWrite(_ updates: @escaping @Sendable (Database) throws -> Void) async throws(StoreError) {
        let result: Result<Void, StoreError> = await withCheckedContinuation { continuation in
            pool.asyncWriteWithoutTransaction { database in
                continuation.resume(
                    returning: StoreError.catching {
                        try database.inTransaction(.immediate) {
                            try updates(database)
                            return .rollback
                        }
                    })
            }
        }
        try result.get()
    }

    /// Runs `query` on a snapshot of the last commit.
    func read<Value: Sendable>(
        _ query: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            pool.asyncRead { database in
                continuation.resume(returning: StoreError.catching { try query(database.get()) })
            }
        }
        return try result.get()
    }

    private static func transaction<Value>(
        _ database: Database, _ updates: (Database) throws -> Value
    ) throws -> Value {
        var value: Value?
        try database.inTransaction(.immediate) {
            value = try updates(database)
            return .commit
        }
        guard let value else { throw StoreError.unavailable("the transaction was not committed") }
        return value
    }

    static func openError(_ error: any Error, path: String) -> InvokError {
        switch error {
        case let error as SchemaError:
            return InvokError(
                .unavailable, "the store \(path) cannot be used: \(error.message)",
                nextStep: error.nextStep(ownDatabase: "choose another INVOK_DATA_DIR"))
        case let error as DatabaseError where error.resultCode == .SQLITE_NOTADB:
            return InvokError(
                .unavailable, "the store \(path) cannot be used: it is not an SQLite database",
                nextStep: "restore it from a backup, or choose another INVOK_DATA_DIR", inner: "\(error)")
        case let error as DatabaseError where StoreError(error) == .full:
            return InvokError(
                .storageFull, "no space is left for the store \(path)", nextStep: "free some space",
                inner: "\(error)")
        default:
            return InvokError(
                .unavailable, "the store \(path) cannot be opened",
                nextStep: "check that the directory exists and can be written", inner: "\(error)")
        }
    }
}

extension StoreError {
    /// What an error of GRDB or of a row means to the caller.
    init(_ error: any Error) {
        switch error {
        case let error as StoreError: self = error
        case let error as DatabaseError: self.init(error)
        default: self = .unavailable("\(error)")
        }
    }

    private init(_ error: DatabaseError) {
        // Only the code and SQLite's message: the description would also carry arguments, such as a password's hash.
        let text = "SQLite error \(error.extendedResultCode.rawValue): \(error.message ?? "unknown")"
        switch error.resultCode {
        case .SQLITE_FULL: self = .full
        // The shared-memory file beside the WAL could not be enlarged.
        case .SQLITE_IOERR where error.extendedResultCode == .SQLITE_IOERR_SHMSIZE: self = .full
        case .SQLITE_CONSTRAINT: self = .conflict(text)
        default: self = .unavailable(text)
        }
    }

    static func catching<Value>(_ body: () throws -> Value) -> Result<Value, StoreError> {
        do { return .success(try body()) } catch { return .failure(StoreError(error)) }
    }
}
