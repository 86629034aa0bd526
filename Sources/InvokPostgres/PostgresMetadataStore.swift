public import Invok
public import Logging

/// The `MetadataStore` of the production world: a PostgreSQL database, which several cores may share.
public final class PostgresMetadataStore: Sendable {
    /// How long one statement may take. Each of them touches a few rows.
    static let statementTimeout = Duration.seconds(10)

    private let pool: ConnectionPool

    init(pool: ConnectionPool) { self.pool = pool }

    /// Opens the store and brings its schema up to date.
    /// - Throws: `InvokError`, with the next step, when the server cannot be reached or does not let us in, or when the
    ///   database is not Invok's, or is a newer Invok's.
    public static func open(
        _ target: PostgresTarget, clock: any Clock, logger: Logger
    ) async throws(InvokError) -> PostgresMetadataStore {
        let pool = ConnectionPool(target, statementTimeout: statementTimeout, clock: clock, logger: logger)
        try await PostgresSchema.migrate(target, pool)
        return PostgresMetadataStore(pool: pool)
    }

    /// Ends the sessions once their work is done. Every later call throws `unavailable`.
    public func close() { pool.close() }

    /// Runs statements that only read.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws(StoreError) -> Value {
        do { return try await pool.read(body).get() } catch { throw StoreError(error) }
    }

    /// Runs statements as one transaction. It is not cancelled with the calling task: a caller that goes away in the
    /// middle must not leave a deploy in doubt.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws(StoreError) -> Value {
        do { return try await pool.write(body).get() } catch { throw StoreError(error) }
    }
}

extension PostgresMetadataStore: MetadataStore {
    public func check() async throws(StoreError) {
        try await read { connection in
            // Neither a standby nor a database that lost its schema passes. A write would keep the disk busy for nothing.
            let state = try connection.execute("SELECT pg_is_in_recovery() AS is_standby FROM health_check").first
            guard let state else { throw StoreError.unavailable("the store lost its schema") }
            guard try !state.boolean("is_standby") else { throw StoreError.unavailable("the server takes no writes") }
        }
    }
}
