public import Invok
import Synchronization

/// Virtual time: it stands still until somebody advances it.
public final class SimClock: Clock {
    private let current: Mutex<Instant>
    private let start: Timestamp
    private let sleepers = SimWaiters<Instant>()
    private let watchers = SimWaiters<Int>()

    /// - Parameter start: the wall time at the monotonic clock's zero; 2026-01-01T00:00:00Z unless told.
    public init(start: Timestamp = Timestamp(millisecondsSinceEpoch: 1_767_225_600_000)) {
        self.start = start
        current = Mutex(Instant(nanoseconds: 0))
    }

    public func now() -> Instant { current.withLock { $0 } }

    public func wallTime() -> Timestamp { start.advanced(by: .nanoseconds(now().nanoseconds)) }

    public func sleep(until deadline: Instant) async throws(CancellationError) {
        let isReached = await sleepers.wait(
            deadline, isDue: { now() >= deadline }, onWait: { watchers.release(through: sleeperCount) })
        await SimCore.fence()
        guard isReached, !Task.isCancelled else { throw CancellationError() }
    }

    /// How many tasks sleep now.
    public var sleeperCount: Int { sleepers.count }

    /// When the next sleeper wakes; `nil` when nobody sleeps.
    public var nextTimer: Instant? { sleepers.first }

    /// Moves time on and wakes, in the order of their deadlines, all who slept until then or earlier.
    public func advance(by duration: Duration) {
        advance(to: now().advanced(by: duration))
    }

    /// Moves time to the next sleeper's deadline and wakes all who have that deadline.
    /// - Returns: `false` when nobody sleeps; then time stands still.
    @discardableResult
    public func advanceToNextTimer() -> Bool {
        guard let next = nextTimer else { return false }
        advance(to: next)
        return true
    }

    /// Waits until at least so many tasks sleep: how a test knows that it is time to advance. Returns early when the
    /// task is cancelled.
    public func waitForSleepers(_ count: Int = 1) async {
        _ = await watchers.wait(count, isDue: { sleeperCount >= count })
    }

    private func advance(to instant: Instant) {
        sleepers.release(through: instant) { current.withLock { $0 = max($0, instant) } }
    }
}
