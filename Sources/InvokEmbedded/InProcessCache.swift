public import Invok
import InvokConcurrency
import Synchronization

/// The coordination cache of a single core: its own memory, bounded.
public final class InProcessCache: CoordinationCache {
    private let table: Mutex<CoordinationTable>
    private let broadcast = Broadcast<String, String>(buffer: 256)
    private let clock: any Clock

    /// - Parameter capacity: the most counters, and the most leases, that are kept.
    public init(clock: any Clock, capacity: Int = 100_000) {
        self.clock = clock
        table = Mutex(CoordinationTable(capacity: capacity))
    }

    public func increment(_ key: String, by amount: Int, window: Duration) async throws(CacheError) -> CounterReading {
        table.withLock { $0.increment(key, by: amount, window: window, now: clock.now()) }
    }

    public func acquireLease(_ key: String, holder: String, duration: Duration) async throws(CacheError) -> Bool {
        table.withLock { $0.acquireLease(key, holder: holder, duration: duration, now: clock.now()) }
    }

    public func releaseLease(_ key: String, holder: String) async throws(CacheError) {
        table.withLock { $0.releaseLease(key, holder: holder) }
    }

    public func isLeased(_ key: String) async throws(CacheError) -> Bool {
        table.withLock { $0.isLeased(key, now: clock.now()) }
    }

    public func publish(_ message: String, to channel: String) async throws(CacheError) {
        broadcast.send(message, on: channel)
    }

    public func messages(on channel: String) -> AsyncStream<String> { broadcast.messages(on: channel) }

    public func check() async throws(CacheError) {}
}
