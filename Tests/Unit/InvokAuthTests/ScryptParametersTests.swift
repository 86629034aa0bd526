import InvokAuth
import Testing

struct ScryptParametersTests {
    @Test(arguments: [(1, 1, 1), (17, 8, 1), (18, 8, 2), (17, 16, 16), (20, 2, 1)])
    func whatFitsIsTaken(logarithm: Int, blockSize: Int, parallelism: Int) {
        #expect(
            ScryptParameters(logarithmOfRounds: logarithm, blockSize: blockSize, parallelism: parallelism) != nil)
    }

    @Test(arguments: [
        (0, 8, 1), (21, 1, 1), (17, 0, 1), (17, 17, 1), (17, 8, 0), (17, 8, 17), (20, 8, 1), (-1, -1, -1),
        (Int.max, Int.max, Int.max),
    ])
    func whatIsOutOfRangeIsNot(logarithm: Int, blockSize: Int, parallelism: Int) {
        #expect(
            ScryptParameters(logarithmOfRounds: logarithm, blockSize: blockSize, parallelism: parallelism) == nil)
    }
}
