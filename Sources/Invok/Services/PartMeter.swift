import Synchronization

/// What is counted of the calls of one port.
package struct PartCounts: Hashable, Sendable {
    package private(set) var failures: UInt64 = 0
    package private(set) var durations = LatencyHistogram()

    package init() {}

    package var calls: UInt64 { durations.count }

    package mutating func record(_ duration: Duration, isFailure: Bool) {
        durations.record(duration)
        if isFailure { failures += 1 }
    }
}

/// Counts the calls of one port, and how long they take.
final class PartMeter: Sendable {
    private let counts = Mutex(PartCounts())
    private let clock: any Clock

    init(clock: any Clock) { self.clock = clock }

    var current: PartCounts { counts.withLock { $0 } }

    /// Makes a call.
    /// - Parameter isFailure: whether the port has failed, and did not just say no.
    func measure<Success, Failure: Error>(
        failing isFailure: (Failure) -> Bool, _ call: () async throws(Failure) -> Success
    ) async throws(Failure) -> Success {
        let began = clock.now()
        do throws(Failure) {
            let success = try await call()
            record(since: began, isFailure: false)
            return success
        } catch {
            record(since: began, isFailure: isFailure(error))
            throw error
        }
    }

    /// Makes a call that cannot fail.
    func measure<Success>(_ call: () async -> Success) async -> Success {
        let began = clock.now()
        let success = await call()
        record(since: began, isFailure: false)
        return success
    }

    private func record(since began: Instant, isFailure: Bool) {
        let duration = began.duration(to: clock.now())
        counts.withLock { $0.record(duration, isFailure: isFailure) }
    }
}

/// The ports whose calls are counted.
final class PartMeters: Sendable {
    private let store: PartMeter
    private let cache: PartMeter
    private let engine: PartMeter
    private let builds: PartMeter

    init(clock: any Clock) {
        store = PartMeter(clock: clock)
        cache = PartMeter(clock: clock)
        engine = PartMeter(clock: clock)
        builds = PartMeter(clock: clock)
    }

    /// Puts what counts between the system and its ports.
    func measure(_ world: World) -> World {
        var world = world
        world.store = MeteredMetadataStore(world.store, store)
        world.cache = MeteredCoordinationCache(cache: world.cache, meter: cache)
        world.engine = MeteredContainerEngine(engine: world.engine, meter: engine)
        world.builder = MeteredFunctionBuilder(builder: world.builder, meter: builds)
        return world
    }

    /// By the parts' names.
    var current: [(name: String, counts: PartCounts)] {
        [
            ("builds", builds.current), ("cache", cache.current), ("engine", engine.current), ("store", store.current),
        ]
    }
}
