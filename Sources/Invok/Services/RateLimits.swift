import Logging
import Synchronization

/// Counts attempts in windows of a minute, in the shared cache, or here while that is away.
final class RateLimits: Sendable {
    static let window = Duration.seconds(60)
    static let localLimit = 10_000

    private let cache: any CoordinationCache
    private let clock: any Clock
    private let logger: Logger
    private let local = Mutex(CoordinationTable(capacity: localLimit))

    init(cache: any CoordinationCache, clock: any Clock, logger: Logger) {
        self.cache = cache
        self.clock = clock
        self.logger = logger
    }

    /// Counts one attempt.
    /// - Throws: `too_many_requests` when there were more than `limit` in the window.
    func count(_ key: String, limit: Int) async throws(InvokError) {
        let reading = await add(1, to: key)
        guard reading.count <= limit else {
            let seconds = max(1, Int(reading.remaining.components.seconds) + 1)
            throw InvokError(
                .tooManyRequests, "too many attempts", nextStep: "try again in \(seconds) s",
                retryAfterSeconds: seconds)
        }
    }

    /// Takes an attempt back that was counted: it was none of those that are limited.
    func takeBack(_ key: String) async { _ = await add(-1, to: key) }

    private func add(_ amount: Int, to key: String) async -> CounterReading {
        do throws(CacheError) {
            return try await cache.increment("rate:\(key)", by: amount, window: Self.window)
        } catch {
            logger.debug("rate limits are counted locally", metadata: ["reason": "\(error)"])
            let now = clock.now()
            return local.withLock { $0.increment(key, by: amount, window: Self.window, now: now) }
        }
    }
}
