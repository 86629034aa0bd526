import Invok

/// A clock for what must not wait.
struct StoppedClock: Clock {
    func now() -> Instant { Instant(nanoseconds: 0) }
    func wallTime() -> Timestamp { Timestamp(millisecondsSinceEpoch: 0) }
    func sleep(until deadline: Instant) async throws(CancellationError) { throw CancellationError() }
}
