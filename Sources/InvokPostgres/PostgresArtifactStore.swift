public import Invok
public import Logging

/// Archives in PostgreSQL, by their SHA-256, for cores that share no disk.
///
/// It has sessions of its own, so that a large upload does not hold back the metadata. Since the versions are in the same
/// database, it removes nothing that one of them names: whoever asks for it cannot know what another core has just begun.
public final class PostgresArtifactStore: ArtifactStore {
    static let connections = 4
    /// How long one archive may be on its way.
    static let statementTimeout = Duration.seconds(60)

    private let pool: ConnectionPool

    /// - Parameter target: a database whose schema `PostgresMetadataStore.open` has brought up to date.
    public init(_ target: PostgresTarget, clock: any Clock, logger: Logger) {
        var limits = ConnectionPoolMachine.Limits()
        limits.connections = Self.connections
        pool = ConnectionPool(
            target, limits: limits, statementTimeout: Self.statementTimeout, clock: clock, logger: logger)
    }

    /// Ends the sessions once their work is done. Every later call throws `unavailable`.
    public func close() { pool.close() }

    public func put(_ bytes: [UInt8]) async throws(ArtifactError) -> Digest {
        let digest = Digest(of: bytes)
        try await done(
            pool.write { connection in
                // A damaged one is written anew, so that deploying again mends it.
                try connection.execute(
                    """
                    INSERT INTO artifact (digest, content) VALUES ($1, $2)
                    ON CONFLICT (digest) DO UPDATE SET stored_at = now(), content = CASE
                        WHEN artifact.content = excluded.content THEN artifact.content ELSE excluded.content END
                    """, [.text(of: digest), .bytes(bytes)]
                ).affected
            })
        return digest
    }

    public func get(_ digest: Digest) async throws(ArtifactError) -> [UInt8] {
        let bytes = try await done(
            pool.read { connection in
                try connection.execute(
                    "SELECT content FROM artifact WHERE digest = $1", [.text(of: digest)], binary: true
                ).first?.bytes("content")
            })
        guard let bytes else { throw .notFound }
        guard Digest(of: bytes) == digest else { throw .corrupt }
        return bytes
    }

    public func remove(_ digest: Digest) async throws(ArtifactError) {
        try await done(
            pool.write { connection in
                // One that is stored again while this runs stays too, before its version can be seen here.
                try connection.execute(
                    """
                    DELETE FROM artifact WHERE digest = $1 AND stored_at < now()
                        AND NOT EXISTS (SELECT FROM version WHERE version.artifact = $1)
                    """, [.text(of: digest)]
                ).affected
            })
    }

    public func list() async throws(ArtifactError) -> Set<Digest> {
        try await done(
            pool.read { connection in
                Set(try connection.execute("SELECT digest FROM artifact").map { try $0.digest("digest") })
            })
    }

    @discardableResult
    private func done<Value>(_ result: Result<Value, any Error>) async throws(ArtifactError) -> Value {
        do { return try result.get() } catch { throw ArtifactError(error) }
    }
}
