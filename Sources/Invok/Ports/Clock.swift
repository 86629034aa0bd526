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
