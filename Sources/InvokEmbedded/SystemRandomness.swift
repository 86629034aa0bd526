public import Invok
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The system's cryptographically secure source (`getentropy`), asked for many words at a time: a call of the system for each
/// would be felt by every request.
public final class SystemRandomness: Randomness {
    /// What the system gives at once: 256 bytes.
    private static let words = 32

    private let kept = Mutex<[UInt64]>([])

    public init() {}

    public func next() -> UInt64 {
        kept.withLock { words in
            if words.isEmpty { words = Self.fresh() }
            return words.removeLast()
        }
    }

    private static func fresh() -> [UInt64] {
        [UInt64](unsafeUninitializedCapacity: words) { buffer, count in
            // It fails for more bytes than it gives at once, and where the system has no such call.
            guard getentropy(buffer.baseAddress!, words * MemoryLayout<UInt64>.size) == 0 else {
                fatalError("the system gives no random bits")
            }
            count = words
        }
    }
}
