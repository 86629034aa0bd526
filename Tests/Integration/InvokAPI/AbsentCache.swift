import Invok

/// A cache that is away.
final class AbsentCache: CoordinationCache {
    func increment(_ key: String, by amount: Int, window: Duration) async throws(CacheError) -> CounterReading {
        throw .unavailable("away")
    }
    func acquireLease(_ key: String, holder: String, duration: Duration) async throws(CacheError) -> Bool {
        throw .unavailable("away")
    }
    func releaseLease(_ key: String, holder: String) async throws(CacheError) { throw .unavailable("away") }
    func isLeased(_ key: String) async throws(CacheError) -> Bool { throw .unavailable("away") }
    func publish(_ message: String, to channel: String) async throws(CacheError) { throw .unavailable("away") }
    func messages(on channel: String) -> AsyncStream<String> { AsyncStream { $0.finish() } }
    func check() async throws(CacheError) { throw .unavailable("away") }
}
