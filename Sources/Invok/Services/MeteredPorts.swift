// Decorators of the ports whose calls are counted; that of the store has a file of its own.

struct MeteredCoordinationCache: CoordinationCache {
    let cache: any CoordinationCache
    let meter: PartMeter

    func increment(_ key: String, by amount: Int, window: Duration) async throws(CacheError) -> CounterReading {
        try await measure { () throws(CacheError) in try await cache.increment(key, by: amount, window: window) }
    }

    func acquireLease(_ key: String, holder: String, duration: Duration) async throws(CacheError) -> Bool {
        try await measure { () throws(CacheError) in
            try await cache.acquireLease(key, holder: holder, duration: duration)
        }
    }

    func releaseLease(_ key: String, holder: String) async throws(CacheError) {
        try await measure { () throws(CacheError) in try await cache.releaseLease(key, holder: holder) }
    }

    func isLeased(_ key: String) async throws(CacheError) -> Bool {
        try await measure { () throws(CacheError) in try await cache.isLeased(key) }
    }

    func publish(_ message: String, to channel: String) async throws(CacheError) {
        try await measure { () throws(CacheError) in try await cache.publish(message, to: channel) }
    }

    func messages(on channel: String) -> AsyncStream<String> { cache.messages(on: channel) }

    func check() async throws(CacheError) {
        try await measure { () throws(CacheError) in try await cache.check() }
    }

    private func measure<Success>(
        _ call: () async throws(CacheError) -> Success
    ) async throws(CacheError) -> Success {
        try await meter.measure(failing: { _ in true }, call)
    }
}

struct MeteredContainerEngine: ContainerEngine {
    let engine: any ContainerEngine
    let meter: PartMeter

    func start(_ instance: InstanceSpec) async throws(EngineError) -> RunningInstance {
        try await measure { () throws(EngineError) in try await engine.start(instance) }
    }

    func stop(_ id: InstanceID, grace: Duration) async {
        await meter.measure { await engine.stop(id, grace: grace) }
    }

    func list() async throws(EngineError) -> [RunningInstance] {
        try await measure { () throws(EngineError) in try await engine.list() }
    }

    func exits() -> AsyncStream<InstanceExit> { engine.exits() }

    func egressObstacle() async throws(EngineError) -> String? { try await engine.egressObstacle() }

    func prepare() async throws(EngineError) -> [String] { try await engine.prepare() }

    private func measure<Success>(
        _ call: () async throws(EngineError) -> Success
    ) async throws(EngineError) -> Success {
        try await meter.measure(failing: { $0 != .cancelled }, call)
    }
}

/// Only builds take time worth counting.
struct MeteredFunctionBuilder: FunctionBuilder {
    let builder: any FunctionBuilder
    let meter: PartMeter

    func build(
        _ source: SourceArchive, artifact: Digest, of namespace: Namespace, in context: BuildContext
    ) async throws(BuildError) -> BuildResult {
        try await meter.measure(failing: Self.isFailure) { () throws(BuildError) in
            try await builder.build(source, artifact: artifact, of: namespace, in: context)
        }
    }

    /// What does not build is its author's affair.
    private static func isFailure(_ error: BuildError) -> Bool {
        switch error {
        case .unavailable, .full: true
        case .failed, .deadlineExceeded, .cancelled: false
        }
    }

    func bundle(of artifact: Digest, for runtime: Runtime) -> BundleID { builder.bundle(of: artifact, for: runtime) }
    func bundles() async throws(BuildError) -> Set<BundleID> { try await builder.bundles() }
    func remove(_ bundle: BundleID) async throws(BuildError) { try await builder.remove(bundle) }
}
