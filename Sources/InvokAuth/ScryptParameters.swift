/// What scrypt costs (RFC 7914 §2).
public struct ScryptParameters: Hashable, Sendable {
    /// The binary logarithm of the cost N.
    public let logarithmOfRounds: Int
    /// r
    public let blockSize: Int
    /// p
    public let parallelism: Int

    /// N = 2^17, r = 8, p = 1: 128 MiB (OWASP Password Storage Cheat Sheet).
    public static let standard = ScryptParameters(unchecked: 17, 8, 1)

    /// - Returns: `nil` outside of N = 2^1…2^20, r = 1…16, p = 1…16, or above 256 MiB of memory.
    public init?(logarithmOfRounds: Int, blockSize: Int, parallelism: Int) {
        guard (1...20).contains(logarithmOfRounds), (1...16).contains(blockSize), (1...16).contains(parallelism)
        else { return nil }
        self.init(unchecked: logarithmOfRounds, blockSize, parallelism)
        guard memoryBytes <= 256 << 20 else { return nil }
    }

    private init(unchecked logarithmOfRounds: Int, _ blockSize: Int, _ parallelism: Int) {
        self.logarithmOfRounds = logarithmOfRounds
        self.blockSize = blockSize
        self.parallelism = parallelism
    }

    /// N
    var rounds: Int { 1 << logarithmOfRounds }

    /// The memory of one computation without its small change, in bytes.
    public var memoryBytes: Int { 128 * blockSize * rounds }
}
