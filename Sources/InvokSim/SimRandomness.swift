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

    /// The same bits as a value, for one owner.
    public var generator: SimGenerator { SimGenerator(seed: seed) }

    fileprivate static func mix(_ value: UInt64) -> UInt64 {
        var value = value
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

/// `SimRandomness` as a value.
public struct SimGenerator: Sendable, RandomNumberGenerator {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return SimRandomness.mix(state)
    }

    /// A number from 0 up to, without, `limit`, which is above 0.
    public mutating func below(_ limit: Int) -> Int { Int(next() >> 11) % limit }

    /// `true` so often in a million.
    public mutating func chance(perMillion: Int) -> Bool { below(1_000_000) < perMillion }

    /// A duration up to, without, `limit`.
    public mutating func duration(below limit: Duration) -> Duration {
        .microseconds(below(max(1, Int(limit.wholeNanoseconds / 1000))))
    }
}
