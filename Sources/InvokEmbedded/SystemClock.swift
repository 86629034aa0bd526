public import Invok

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The machine's clocks: CLOCK_MONOTONIC for durations, CLOCK_REALTIME for what is stored and shown.
public struct SystemClock: Clock {
    public init() {}

    public func now() -> Instant {
        let time = Self.read(CLOCK_MONOTONIC)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    public func wallTime() -> Timestamp {
        let time = Self.read(CLOCK_REALTIME)
        return Timestamp(millisecondsSinceEpoch: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    public func sleep(until deadline: Instant) async throws(CancellationError) {
        // The runtime's timer may run on another clock and wake early.
        while true {
            let left = deadline.nanoseconds - now().nanoseconds
            do {
                try Task.checkCancellation()
                guard left > 0 else { return }
                try await Task.sleep(nanoseconds: UInt64(left))
            } catch {
                throw CancellationError()
            }
        }
    }

    /// Cannot fail: both clocks exist everywhere (POSIX.1-2024, clock_getres).
    private static func read(_ clock: clockid_t) -> timespec {
        var time = timespec()
        clock_gettime(clock, &time)
        return time
    }
}
