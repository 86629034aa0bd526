/// A function's name: `[a-z][a-z0-9-]{0,24}` without a trailing or double dash.
///
/// Valid once made. It is part of URLs, file names and container names, so the rule is strict.
public struct FunctionName: Hashable, Sendable, Comparable, CustomStringConvertible {
    public static let maximumLength = 25
    public let description: String

    /// - Throws: `InvokError` with the code `invalid_name`, saying the rule.
    public init(_ text: some StringProtocol) throws(InvokError) {
        guard Self.isValid(text) else { throw .invalidName(String(text)) }
        description = String(text)
    }

    static func isValid(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        guard (1...maximumLength).contains(bytes.count), (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(bytes[0]),
            bytes.last != UInt8(ascii: "-")
        else { return false }
        var previous: UInt8 = 0
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): break
            case UInt8(ascii: "-") where previous != byte: break
            default: return false
            }
            previous = byte
        }
        return true
    }

    /// What serves it in Go: `HelloWorldHandler` for `hello-world`.
    package var goHandler: String {
        let words = description.split(separator: "-")
        return words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined() + "Handler"
    }

    public static func < (left: Self, right: Self) -> Bool { left.description < right.description }
}

extension FunctionName: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
