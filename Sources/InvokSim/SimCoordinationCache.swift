public import Invok
import InvokConcurrency
import Synchronization

/// Counters, leases and messages in memory; what expires does so by the given clock.
public final class SimCoordinationCache: CoordinationCache {
    private let table = Mutex(CoordinationTable())
    private let broadcast = Broadcast<String, String>(buffer: 256)
    private let clock: any Clock
    private let effects: SimEffects
    private let server: SimQueue?

    public convenience init(clock: any Clock, effects: SimEffects = SimEffects()) {
        self.init(clock: clock, effects: effects, server: nil)
    }

    /// - Parameter server: what does one call after the other; `nil` for all at once.
    package init(clock: any Clock, effects: SimEffects, server: SimQueue?) {
        self.clock = clock
        self.effects = effects
        self.server = server
    }

    private func effect<Value: Sendable>(
        _ name: String, _ detail: String = "", _ body: (inout CoordinationTable) -> Value
    ) async throws(CacheError) -> Value {
        try await effects.perform("cache.\(name)", detail, at: server, failure: CacheError.unavailable) {
            () throws(CacheError) in
            table.withLock { body(&$0) }
        }
    }

    public func increment(_ key: String, by amount: Int, window: Duration) async throws(CacheError) -> CounterReading {
        try await effect("increment", key) { $0.increment(key, by: amount, window: window, now: clock.now()) }
    }

    public func acquireLease(_ key: String, holder: String, duration: Duration) async throws(CacheError) -> Bool {
        try await effect("acquireLease", "\(key) \(holder)") {
            $0.acquireLease(key, holder: holder, duration: duration, now: clock.now())
        }
    }

    public func releaseLease(_ key: String, holder: String) async throws(CacheError) {
        try await effect("releaseLease", "\(key) \(holder)") { $0.releaseLease(key, holder: holder) }
    }

    public func isLeased(_ key: String) async throws(CacheError) -> Bool {
        try await effect("isLeased", key) { $0.isLeased(key, now: clock.now()) }
    }

    public func publish(_ message: String, to channel: String) async throws(CacheError) {
        let delivery = effects.delivery()
        try await effect("publish", "\(channel) \(message)") { _ in
            switch delivery {
            case nil: break
            case .zero?: broadcast.send(message, on: channel)
            case let delay?: deliver(message, to: channel, after: delay)
            }
        }
    }

    /// Later messages may overtake it. It is on its way whatever becomes of the core, so the task is nobody's child.
    private func deliver(_ message: String, to channel: String, after delay: Duration) {
        SimCore.$current.withValue(nil) {
            _ = Task {
                try? await clock.sleep(until: clock.now().advanced(by: delay))
                broadcast.send(message, on: channel)
            }
        }
    }

    public func messages(on channel: String) -> AsyncStream<String> { broadcast.messages(on: channel) }

    public func check() async throws(CacheError) {
        try await effect("check") { _ in }
    }

    /// Forgets everything, as a restart of the cache's server does.
    public func forgetAll() {
        table.withLock { $0 = CoordinationTable() }
    }
}
