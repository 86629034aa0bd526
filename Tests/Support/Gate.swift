/// Holds whoever passes until it is opened.
public final class Gate: Sendable {
    private let arrivals = AsyncStream.makeStream(of: Void.self)
    private let opening = AsyncStream.makeStream(of: Void.self)

    public init() {}

    /// Returns when the gate is open, or the task is cancelled.
    public func pass() async {
        arrivals.continuation.yield()
        for await _ in opening.stream {}
    }

    /// Waits until somebody has come.
    public func reached() async { for await _ in arrivals.stream { return } }

    public func open() { opening.continuation.finish() }
}
