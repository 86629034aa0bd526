/// Short-lived state that cores share. Everything in it may vanish at any time; keys carry the tenant.
public protocol CoordinationCache: Sendable {
    /// Adds to a counter that starts at 0 and vanishes `window` after its first increment.
    /// - Parameter amount: may be negative.
    /// - Returns: the counter's value and how long it still lives.
    func increment(_ key: String, by amount: Int, window: Duration) async throws(CacheError) -> CounterReading
    /// Takes a lease unless another holder has it. Taking one's own again extends it.
    /// - Returns: whether the holder has it now.
    func acquireLease(_ key: String, holder: String, duration: Duration) async throws(CacheError) -> Bool
    /// Gives a lease back; does nothing when the holder does not have it.
    func releaseLease(_ key: String, holder: String) async throws(CacheError)
    /// Whether anybody has the lease.
    func isLeased(_ key: String) async throws(CacheError) -> Bool
    /// Tells every subscriber of every core, this one too. May be lost.
    func publish(_ message: String, to channel: String) async throws(CacheError)
    /// The messages published to a channel from now on, until the task is cancelled. A slow reader loses the oldest
    /// ones. Reconnects by itself, and then may have missed some.
    func messages(on channel: String) -> AsyncStream<String>
    /// Returns when the cache serves.
    func check() async throws(CacheError)
}

extension CoordinationCache {
    /// Adds one.
    package func increment(_ key: String, window: Duration) async throws(CacheError) -> CounterReading {
        try await increment(key, by: 1, window: window)
    }
}

public struct CounterReading: Hashable, Sendable {
    public let count: Int
    public let remaining: Duration

    public init(count: Int, remaining: Duration) {
        self.count = count
        self.remaining = remaining
    }
}

public enum CacheError: Error, Hashable, Sendable {
    case unavailable(String)
}
