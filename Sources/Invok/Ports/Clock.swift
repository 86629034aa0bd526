/// Time. The system's in production, virtual in a simulation.
public protocol Clock: Sendable {
    /// The monotonic clock, for durations.
    func now() -> Instant
    /// The wall clock, for what is stored and shown.
    func wallTime() -> Timestamp
    /// Waits until the monotonic clock has reached the instant.
    /// - Throws: when the task is cancelled.
    func sleep(until deadline: Instant) async throws(CancellationError)
}

extension Clock {
    /// Does something again and again, each time this long after the last one has ended, until the task is cancelled.
    func every(_ interval: Duration, _ work: () async -> Void) async {
        while true {
            do throws(CancellationError) { try await sleep(until: now().advanced(by: interval)) } catch { return }
            await work()
        }
    }
}
