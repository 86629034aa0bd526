import Synchronization

/// What of each function's secrets must not get into its log: the values that its instances were started with, also those of
/// before a change, since who was started with them goes on for a while.
public final class LogMasks: Sendable {
    /// Functions that are remembered; of others the values of now are read.
    static let functionLimit = 10_000
    /// Values that are remembered of one function; with more, those of before go.
    static let valueLimit = 4 * SecretReference.maximumCount

    private struct Known {
        var values: Set<SecretValue> = []
        var mask = SecretMask([])
    }

    private let store: any MetadataStore
    private let sealer: EnvironmentSealer
    private let known = Mutex(ClockCache<FunctionKey, Known>(capacity: functionLimit))

    /// - Parameter store: is asked for a function that nothing is known of, as one that an earlier core has started.
    public init(store: any MetadataStore, sealer: EnvironmentSealer) {
        self.store = store
        self.sealer = sealer
    }

    /// From now on these values are blotted out, too. Call it before anything can print them.
    func learn(_ values: some Collection<SecretValue>, of key: FunctionKey) {
        known.withLock { known in
            var entry = known.value(for: key) ?? Known()
            guard !Set(values).isSubset(of: entry.values) || known.value(for: key) == nil else { return }
            if entry.values.count + values.count > Self.valueLimit { entry.values = [] }
            entry.values.formUnion(values)
            entry.mask = SecretMask(entry.values)
            known.set(entry, for: key)
        }
    }

    /// - Throws: when nothing is known of the function, and the store does not say.
    func mask(of key: FunctionKey) async throws(StoreError) -> SecretMask {
        if let mask = known.withLock({ $0.value(for: key)?.mask }) { return mask }
        let stored = try await store.secrets(of: key, for: .run)
        learn(stored.compactMap { sealer.open($0.value, of: $0.key) }, of: key)
        return known.withLock { $0.value(for: key)?.mask } ?? SecretMask([])
    }
}

/// A decorator of the log store: no line that goes in has a secret's value in it, whoever wrote it.
public struct MaskedLogStore: LogStore {
    private let store: any LogStore
    private let masks: LogMasks

    public init(_ store: any LogStore, masks: LogMasks) {
        self.store = store
        self.masks = masks
    }

    public func append(_ lines: [LogLine], to function: FunctionKey) async throws(LogError) {
        let mask: SecretMask
        do throws(StoreError) {
            mask = try await masks.mask(of: function)
        } catch {
            // Better lost than readable.
            throw .unavailable("what must not be in the log is not known: \(error)")
        }
        let masked = lines.map {
            LogLine(time: $0.time, source: $0.source, instance: $0.instance, text: mask.masked($0.text))
        }
        try await store.append(masked, to: function)
    }

    public func lines(
        of function: FunctionKey, since: Timestamp?, limit: Int, matching filter: LogFilter
    ) async throws(LogError) -> [LogEntry] {
        try await store.lines(of: function, since: since, limit: limit, matching: filter)
    }

    public func follow(
        _ function: FunctionKey, after: LogCursor?, matching filter: LogFilter
    ) -> AsyncStream<LogEntry> {
        store.follow(function, after: after, matching: filter)
    }

    public func functions() async throws(LogError) -> Set<FunctionKey> { try await store.functions() }

    public func remove(_ function: FunctionKey) async throws(LogError) { try await store.remove(function) }
}
