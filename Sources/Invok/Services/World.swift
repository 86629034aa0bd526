/// One adapter for each port: all of the outside that the system can reach. Chosen in one place, at start.
public struct World: Sendable {
    public var store: any MetadataStore
    /// The same store, for who may get in.
    public var accounts: any AccountStore
    public var cache: any CoordinationCache
    public var engine: any ContainerEngine
    public var builder: any FunctionBuilder
    public var artifacts: any ArtifactStore
    public var archives: any ArchiveReader
    public var spool: any Spool
    public var disk: any DataDisk
    /// Masked by `masks`: nobody else's lines get in.
    public var logs: any LogStore
    public var masks: LogMasks
    public var transport: any InstanceTransport
    public var passwords: any PasswordHasher
    public var tokens: any TokenCodec
    /// What is secret goes into the store through it, whatever store that is.
    public var sealer: EnvironmentSealer
    public var clock: any Clock
    public var randomness: any Randomness

    public init(
        store: any MetadataStore, accounts: any AccountStore, cache: any CoordinationCache,
        engine: any ContainerEngine, builder: any FunctionBuilder, artifacts: any ArtifactStore,
        archives: any ArchiveReader, spool: any Spool, disk: any DataDisk, logs: any LogStore, masks: LogMasks,
        transport: any InstanceTransport, passwords: any PasswordHasher,
        tokens: any TokenCodec, sealer: EnvironmentSealer, clock: any Clock, randomness: any Randomness
    ) {
        self.store = store
        self.accounts = accounts
        self.cache = cache
        self.engine = engine
        self.builder = builder
        self.artifacts = artifacts
        self.archives = archives
        self.spool = spool
        self.disk = disk
        self.logs = logs
        self.masks = masks
        self.transport = transport
        self.passwords = passwords
        self.tokens = tokens
        self.sealer = sealer
        self.clock = clock
        self.randomness = randomness
    }

    /// Reads the archive of a version again.
    /// - Returns: what is in it, and its size in bytes.
    /// - Throws: `unavailable`, or what `ArchiveReader.source` throws.
    func source(
        of artifact: Digest, limits: ArchiveLimits
    ) async throws(InvokError) -> (source: SourceArchive, bytes: Int) {
        let archive: any ByteSource
        do throws(ArtifactError) {
            archive = try await artifacts.open(artifact)
        } catch {
            throw InvokError(error)
        }
        return (try await archives.source(of: archive, limits: limits), archive.count)
    }
}
