import Foundation
import Invok
import Testing

struct RandomnessTests {
    /// Always the same bits.
    struct FixedRandomness: Randomness {
        let bits: UInt64
        func next() -> UInt64 { bits }
    }

    @Test(arguments: [0, UInt64.max, 0xDEAD_BEEF_DEAD_BEEF])
    func aDrawnOneIsOfVersion4(bits: UInt64) {
        let text = UUIDValue(randomness: FixedRandomness(bits: bits)).description
        #expect(text.dropFirst(14).first == "4")
        #expect(["8", "9", "a", "b"].contains(text.dropFirst(19).prefix(1)))
        #expect(UUID(uuidString: text) != nil)
    }
}
