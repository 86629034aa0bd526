import Crypto

/// The SHA-256 of some bytes (FIPS 180-4), which is also their name in the artifact store.
public struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// 64 lower-case hexadecimal digits.
    public let description: String

    /// Digests the bytes.
    public init(of bytes: some Sequence<UInt8>) {
        description = Self.hexadecimal(SHA256.hash(data: Array(bytes)))
    }

    /// Takes the 64 lower-case hexadecimal digits of a digest; `nil` for any other text.
    public init?(_ text: some StringProtocol) {
        let isHexadecimal = text.utf8.allSatisfy {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
        }
        guard text.utf8.count == 64, isHexadecimal else { return nil }
        description = String(text)
    }

    public static func < (left: Self, right: Self) -> Bool { left.description < right.description }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let alphabet = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [alphabet[Int($0 >> 4)], alphabet[Int($0 & 15)]] }, as: UTF8.self)
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
