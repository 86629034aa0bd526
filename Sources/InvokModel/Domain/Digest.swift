import Crypto

/// The SHA-256 of some bytes (FIPS 180-4), which is also their name in the artifact store.
public struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// 64 lower-case hexadecimal digits.
    public let description: String

    /// Digests the bytes.
    public init(of bytes: some Sequence<UInt8>) {
        description = Self.hexadecimal(SHA256.hash(data: Array(bytes)))
    }

    /// Digests bytes that need not be in memory. It may block, as reading them may.
    public init(reading stream: any ByteStream) throws(InvokError) {
        var builder = Builder()
        try stream.forEachPiece { builder.add($0) }
        self = builder.finish()
    }

    /// Digests bytes that come one piece after the other.
    package struct Builder: Sendable {
        private var hash = SHA256()

        package init() {}

        package mutating func add(_ piece: ArraySlice<UInt8>) {
            piece.withUnsafeBytes { hash.update(bufferPointer: $0) }
        }

        /// The digest of all that was added.
        package func finish() -> Digest { Digest(hash.finalize()) }
    }

    private init(_ digest: SHA256.Digest) { description = Self.hexadecimal(digest) }

    /// Takes the 64 lower-case hexadecimal digits of a digest; `nil` for any other text.
    public init?(_ text: some StringProtocol) {
        let isHexadecimal = text.utf8.allSatisfy {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
        }
        guard text.utf8.count == 64, isHexadecimal else { return nil }
        description = String(text)
    }

    public static func < (left: Self, right: Self) -> Bool { left.description < right.description }

    private static func hexadecimal(_ digest: SHA256.Digest) -> String {
        String(unsafeUninitializedCapacity: 2 * SHA256.Digest.byteCount) { text in
            for (index, byte) in digest.enumerated() {
                text[2 * index] = digit(byte >> 4)
                text[2 * index + 1] = digit(byte & 15)
            }
            return 2 * SHA256.Digest.byteCount
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}

extension Digest: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let digest = Digest(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is not a SHA-256")
        }
        self = digest
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
