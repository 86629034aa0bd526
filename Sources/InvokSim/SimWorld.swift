public import Invok

/// A whole world in memory from one seed. It is the outside: a core that crashes and starts again finds it as it was.
public struct SimWorld: Sendable {
    public let seed: UInt64
    public let effects: SimEffects
    public let clock: SimClock
    public let randomness: SimRandomness
    public let store: SimMetadataStore
    public let cache: SimCoordinationCache
    public let artifacts: SimArtifactStore
    public let logs: SimLogStore
    public let archives: SimArchiveReader
    public let spool: SimSpool
    public let disk: SimDisk
    public let builder: SimFunctionBuilder
    public let engine: SimContainerEngine
    public let transport: SimTransport
    public let passwords: SimPasswordHasher
    public let tokens: SimTokenCodec
    public let sealer: EnvironmentSealer
    public let masks: LogMasks

    public init(seed: UInt64) {
        self.seed = seed
        effects = SimEffects()
        clock = SimClock()
        // Identifiers have a stream of their own: what else is drawn from the seed does not change them.
        randomness = SimRandomness(seed: seed).stream("ids")
        store = SimMetadataStore(effects: effects)
        cache = SimCoordinationCache(clock: clock, effects: effects)
        artifacts = SimArtifactStore(effects: effects)
        logs = SimLogStore(effects: effects)
        archives = SimArchiveReader()
        spool = SimSpool(effects: effects)
        disk = SimDisk(clock: clock, effects: effects)
        builder = SimFunctionBuilder(effects: effects)
        sealer = EnvironmentSealer(key: .simulated, randomness: SimRandomness(seed: seed).stream("nonces"))
        masks = LogMasks(store: store, sealer: sealer)
        engine = SimContainerEngine(
            builder: builder, logs: MaskedLogStore(logs, masks: masks), clock: clock, effects: effects)
        transport = SimTransport(engine: engine, clock: clock, effects: effects)
        passwords = SimPasswordHasher(effects: effects)
        tokens = SimTokenCodec()
    }

    /// The adapters as the system takes them.
    public var world: World {
        World(
            store: store, accounts: store, cache: cache, engine: engine, builder: builder, artifacts: artifacts,
            archives: archives, spool: spool, disk: disk, logs: MaskedLogStore(logs, masks: masks), masks: masks,
            transport: transport, passwords: passwords, tokens: tokens,
            sealer: sealer, clock: clock, randomness: randomness)
    }
}
