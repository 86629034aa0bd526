/// Random bits: the system's secure source in production, seeded in a simulation.
public protocol Randomness: Sendable {
    /// 64 uniformly distributed bits. Safe to call from anywhere.
    func next() -> UInt64
}

extension UUIDValue {
    /// Makes a version 4 identifier (RFC 9562 §5.4).
    /// - Parameter randomness: where its 122 random bits come from.
    public init(randomness: some Randomness) {
        self.init(
            high: (randomness.next() & 0xFFFF_FFFF_FFFF_0FFF) | 0x0000_0000_0000_4000,
            low: (randomness.next() & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000)
    }
}
