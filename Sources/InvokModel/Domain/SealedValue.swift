#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A function's environment, or a secret's value, under authenticated encryption, as the store keeps it. Only an
/// `EnvironmentSealer` that has the key can read it.
public struct SealedValue: Hashable, Sendable, Codable, CustomStringConvertible {
    /// Names the key, and says nothing of it.
    public let keyName: String
    /// The nonce, the ciphertext and the tag.
    package let box: [UInt8]

    package init(keyName: String, box: [UInt8]) {
        self.keyName = keyName
        self.box = box
    }

    /// `v1.KEY.BOX`, the box in Base64 (RFC 4648 §4).
    public var description: String { "\(Self.version).\(keyName).\(Data(box).base64EncodedString())" }

    /// Whether somebody forgot to seal it: for checkers.
    package func hasOpen(_ value: SecretValue) -> Bool {
        let needle = Array(value.text.utf8)
        return box.indices.contains { box[$0...].starts(with: needle) }
    }

    private static let version = "v1"

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = Self(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "it is not a sealed value")
        }
        self = value
    }

    /// Reads what `description` wrote.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == Self.version, let box = Data(base64Encoded: String(parts[2])) else {
            return nil
        }
        self.init(keyName: String(parts[1]), box: Array(box))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
