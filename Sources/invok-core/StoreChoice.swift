import Invok
import InvokEmbedded
import InvokPostgres
import InvokRedis
import InvokSQLite
import Logging

/// The store, the artifacts and the cache that the operator chose: by `DATABASE_URL` PostgreSQL for the first two, by
/// `REDIS_URL` Redis for the cache, and otherwise the data directory and this process.
struct StoreChoice: Sendable {
    let metadata: any MetadataStore
    /// The same store, for what is sealed in it.
    let sealed: any SealedStore
    /// And for who may get in.
    let accounts: any AccountStore
    let artifacts: any ArtifactStore
    let cache: any CoordinationCache
    /// The adapter of each port, for people.
    let names: [String: String]
    private let closing: @Sendable () -> Void

    /// Opens what is configured.
    /// - Throws: `InvokError`, with the next step for the operator.
    static func open(
        _ configuration: CoreConfiguration, _ directory: DataDirectory, spool: any Spool, clock: any Clock,
        randomness: any Randomness, logger: Logger
    ) async throws(InvokError) -> StoreChoice {
        let postgres = try configuration.databaseURL.map { url throws(InvokError) in try PostgresTarget(url: url) }
        let redis = try configuration.redisURL.map { url throws(InvokError) in try RedisTarget(url: url) }
        var closing: [@Sendable () -> Void] = []
        let metadata: any MetadataStore & SealedStore & AccountStore
        let artifacts: any ArtifactStore
        if let postgres {
            for sentence in postgres.warnings { logger.warning("\(sentence)") }
            let lock = try await PostgresCoreLock.take(postgres, redis == nil ? .exclusive : .shared, logger: logger)
            closing.append { lock.close() }
            let store = try await PostgresMetadataStore.open(postgres, clock: clock, logger: logger)
            let files = PostgresArtifactStore(postgres, spool: spool, clock: clock, logger: logger)
            closing.append {
                store.close()
                files.close()
            }
            (metadata, artifacts) = (store, files)
        } else {
            metadata = try SQLiteMetadataStore(path: directory.database)
            artifacts = try files(directory)
        }
        let cache: any CoordinationCache
        if let redis {
            for sentence in redis.warnings { logger.warning("\(sentence)") }
            // Installations that share a server do not see each other.
            let opened = try await RedisCache.open(
                redis, prefix: "invok:\(try await installation(of: metadata)):", clock: clock, randomness: randomness,
                logger: logger)
            closing.append { opened.close() }
            cache = opened
        } else {
            cache = InProcessCache(clock: clock)
        }
        let database = postgres == nil ? nil : "postgres"
        return StoreChoice(
            metadata: metadata, sealed: metadata, accounts: metadata, artifacts: artifacts, cache: cache,
            names: [
                "store": database ?? "sqlite", "artifacts": database ?? "files",
                "cache": redis == nil ? "in-process" : "redis",
            ],
            closing: { [closing] in for close in closing { close() } })
    }

    /// Ends the connections to servers.
    func close() { closing() }

    private static func installation(of store: any SealedStore) async throws(InvokError) -> String {
        do throws(StoreError) {
            return try await store.installation()
        } catch {
            throw InvokError(.unavailable, "the store cannot be used", inner: "\(error)")
        }
    }

    private static func files(_ directory: DataDirectory) throws(InvokError) -> FileArtifactStore {
        do throws(ArtifactError) {
            return try FileArtifactStore(directory: directory.artifacts)
        } catch {
            throw InvokError(.unavailable, "the data directory cannot be used: \(error)")
        }
    }
}
