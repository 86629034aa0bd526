public import Invok

/// The system's cryptographically secure source: `getrandom` on Linux, `arc4random` on macOS.
public struct SystemRandomness: Randomness {
    public init() {}

    public func next() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}
