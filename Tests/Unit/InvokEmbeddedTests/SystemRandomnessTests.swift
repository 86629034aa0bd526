import InvokEmbedded
import Testing

struct SystemRandomnessTests {
    /// A repeat among 1000 values of 64 bits has a chance of 3 in 10^14.
    @Test func doesNotRepeat() {
        let randomness = SystemRandomness()
        #expect(Set((0..<1000).map { _ in randomness.next() }).count == 1000)
    }
}
