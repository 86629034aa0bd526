/// The environment variables of a function. Names are `[A-Za-z_][A-Za-z0-9_]*`; those Invok sets itself are refused.
public struct Environment: Hashable, Sendable, Codable {
    public static let maximumCount = 100
    public static let maximumTotalBytes = 32 * 1024

    public let variables: [String: String]

    public static let empty = Environment(unchecked: [:])

    /// - Throws: `InvokError` with the code `invalid_config` that names the variable and the rule.
    public init(_ variables: [String: String]) throws(InvokError) {
        guard variables.count <= Self.maximumCount else {
            throw .invalidConfig("env has \(variables.count) variables; at most \(Self.maximumCount) are allowed")
        }
        var total = 0
        for (name, value) in variables.sorted(by: { $0.key < $1.key }) {
            let shown = "'\(name.prefix(80))'"
            guard Self.isName(name) else {
                throw .invalidConfig(
                    "env has \(shown): a name is a letter or _ followed by letters, digits or _")
            }
            guard !Self.isReserved(name) else {
                throw .invalidConfig("env sets \(shown), which Invok sets itself")
            }
            guard !value.utf8.contains(0) else { throw .invalidConfig("the value of env \(shown) has a NUL byte") }
            total += name.utf8.count + value.utf8.count
        }
        guard total <= Self.maximumTotalBytes else {
            throw .invalidConfig("env is \(total) bytes; at most \(Self.maximumTotalBytes) are allowed")
        }
        self.variables = variables
    }

    private init(unchecked variables: [String: String]) { self.variables = variables }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 128 else { return false }
        return !isDigit(first) && text.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") }
    }

    /// `INVOK_…` and `LISTEN_…` speak to the shim; `LD_…` would load code into it; with another `PATH` or `HOME` it would
    /// not find what the sandbox has. `TZ` and `LANG` are anybody's to set.
    static func isReserved(_ name: String) -> Bool {
        ["PATH", "HOME"].contains(name) || name.hasPrefix("INVOK_") || name.hasPrefix("LISTEN_")
            || name.hasPrefix("LD_")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode([String: String].self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(variables)
    }
}
