public import Invok
import Synchronization

/// Virtual time: it stands still until somebody advances it.
public final class SimClock: Clock {
    private let current: Mutex<Instant>
    private let start: Timestamp
    private let sleepers = SimWaiters<Instant>()
    private let watchers = SimWaiters<Int>()
    private let timers = Mutex(SimTimers())

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

    /// When the next sleeper wakes or timer fires; `nil` when there is none.
    public var nextTimer: Instant? {
        guard let timer = timers.withLock({ $0.first }) else { return sleepers.first }
        return sleepers.first.map { min($0, timer) } ?? timer
    }

    // MARK: Timers

    /// Calls back when time comes to the instant: in the order of the instants, and of the calls of this.
    /// - Parameter run: must not wait, and takes no part in the order of tasks.
    package func call(at instant: Instant, _ run: @escaping @Sendable () -> Void) -> SimTimer {
        timers.withLock { $0.add(at: instant, run) }
    }

    package func cancel(_ timer: SimTimer) { timers.withLock { $0.remove(timer) } }

    // MARK: Time

    /// Moves time on and wakes, in the order of their deadlines, all who slept until then or earlier.
    public func advance(by duration: Duration) {
        advance(to: now().advanced(by: duration))
    }

    /// Moves time to the next deadline, and wakes and calls all who have it.
    /// - Returns: `false` when there is none; then time stands still.
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
        while let run = timers.withLock({ $0.takeFirst(through: instant) }) { run() }
    }
}
