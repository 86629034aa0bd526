public import Invok
public import Logging

/// Archives in PostgreSQL, by their SHA-256, for cores that share no disk. Each is kept in parts, and read into a file of
/// the spool, so that no more than a part of it is in memory.
///
/// It has sessions of its own, so that a large upload does not hold back the metadata. Since the versions are in the same
/// database, it removes nothing that one of them names: whoever asks for it cannot know what another core has just begun.
public final class PostgresArtifactStore: ArtifactStore {
    static let connections = 4
    /// The size of all parts but the last.
    static let partBytes = 1 << 20
    /// How long one part may be on its way, and the digest may take.
    static let statementTimeout = Duration.seconds(60)

    private let pool: ConnectionPool
    private let spool: any Spool

    /// - Parameters:
    ///   - target: a database whose schema `PostgresMetadataStore.open` has brought up to date.
    ///   - spool: takes what is read.
    public init(_ target: PostgresTarget, spool: any Spool, clock: any Clock, logger: Logger) {
        self.spool = spool
        var limits = ConnectionPoolMachine.Limits()
        limits.connections = Self.connections
        pool = ConnectionPool(
            target, limits: limits, statementTimeout: Self.statementTimeout, clock: clock, logger: logger)
    }

    /// Ends the sessions once their work is done. Every later call throws `unavailable`.
    public func close() { pool.close() }

    public func put(_ source: any ByteSource) async throws(ArtifactError) -> Digest {
        try await done(
            pool.write { connection in
                // In the session's thread, which may block.
                let digest = try Digest(reading: source)
                // From here on another one that puts or removes it waits.
                try connection.execute(
                    """
                    INSERT INTO artifact (digest, size) VALUES ($1, $2)
                    ON CONFLICT (digest) DO UPDATE SET stored_at = now(), size = excluded.size
                    """, [.text(of: digest), .integer(source.count)])
                let parts = (source.count + Self.partBytes - 1) / Self.partBytes
                for number in 0..<parts {
                    let start = number * Self.partBytes
                    let content = try source.read(start..<min(start + Self.partBytes, source.count))
                    // A damaged one is written anew, so that deploying again mends it.
                    try connection.execute(
                        """
                        INSERT INTO artifact_part (digest, number, content) VALUES ($1, $2, $3)
                        ON CONFLICT (digest, number) DO UPDATE SET content = excluded.content
                            WHERE artifact_part.content <> excluded.content
                        """, [.text(of: digest), .integer(number), .bytes(content)])
                }
                try connection.execute(
                    "DELETE FROM artifact_part WHERE digest = $1 AND number >= $2",
                    [.text(of: digest), .integer(parts)])
                return digest
            })
    }

    public func open(_ digest: Digest) async throws(ArtifactError) -> any ByteSource {
        guard let size = try await size(of: digest) else { throw .notFound }
        let file: any SpoolFile
        do throws(SpoolError) { file = try await spool.make() } catch { throw ArtifactError(error) }
        var (builder, number) = (Digest.Builder(), 0)
        while file.count < size {
            guard let part = try await part(number, of: digest, addingTo: builder) else {
                // It may have been removed meanwhile.
                throw try await self.size(of: digest) == nil ? .notFound : .corrupt
            }
            do throws(SpoolError) { try await file.append(part.content) } catch { throw ArtifactError(error) }
            builder = part.builder
            number += 1
        }
        guard builder.finish() == digest else { throw .corrupt }
        return file
    }

    /// Reads a part and adds it to the digest, both in the session's thread.
    private func part(
        _ number: Int, of digest: Digest, addingTo builder: Digest.Builder
    ) async throws(ArtifactError) -> (content: [UInt8], builder: Digest.Builder)? {
        try await done(
            pool.read { connection in
                let content = try connection.execute(
                    "SELECT content FROM artifact_part WHERE digest = $1 AND number = $2",
                    [.text(of: digest), .integer(number)], binary: true
                ).first?.bytes("content")
                guard let content else { return nil }
                var builder = builder
                builder.add(content[...])
                return (content, builder)
            })
    }

    private func size(of digest: Digest) async throws(ArtifactError) -> Int? {
        try await done(
            pool.read { connection in
                try connection.execute("SELECT size FROM artifact WHERE digest = $1", [.text(of: digest)])
                    .first?.optionalInteger("size")
            })
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

extension ArtifactError {
    /// The copy to read from cannot be written.
    fileprivate init(_ error: SpoolError) {
        switch error {
        case .full: self = .full
        case .unavailable(let reason): self = .unavailable(reason)
        }
    }
}
