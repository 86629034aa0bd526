public import Invok
import Synchronization

/// Pseudo-random bits from a seed (SplitMix64: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators").
public final class SimRandomness: Randomness {
    private let state: Mutex<UInt64>
    private let seed: UInt64

    public init(seed: UInt64) {
        self.seed = seed
        state = Mutex(seed)
    }

    public func next() -> UInt64 {
        let state = state.withLock { state in
            state &+= 0x9E37_79B9_7F4A_7C15
            return state
        }
        return Self.mix(state)
    }

    /// A stream of its own under this seed, so that drawing more from one leaves the others as they were.
    public func stream(_ name: String) -> SimRandomness {
        SimRandomness(seed: name.utf8.reduce(seed) { Self.mix($0 ^ UInt64($1)) })
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var value = value
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
