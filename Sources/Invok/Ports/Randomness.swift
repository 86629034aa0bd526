/// Random bits: the system's secure source in production, seeded in a simulation.
public protocol Randomness: Sendable {
    /// 64 uniformly distributed bits. Safe to call from anywhere.
    func next() -> UInt64
}
