import InvokSim
import Testing

struct SimRandomnessTests {
    /// The first values of SplitMix64 for the seed 1234567, from the generator's reference implementation.
    @Test func matchesTheReferenceImplementation() {
        let randomness = SimRandomness(seed: 1_234_567)
        let expected: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
        ]
        #expect((0..<5).map { _ in randomness.next() } == expected)
    }

    @Test func streamsAreTheirOwnAndRepeat() {
        let drawn = SimRandomness(seed: 7)
        _ = drawn.next()
        let stream = drawn.stream("faults")
        let again = SimRandomness(seed: 7).stream("faults")
        let other = SimRandomness(seed: 7).stream("ids")
        let values = (0..<10).map { _ in stream.next() }
        #expect(values == (0..<10).map { _ in again.next() })
        #expect(values != (0..<10).map { _ in other.next() })
    }
}
