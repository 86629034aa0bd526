/// Names one instance of one version: `{name}-{20 hex of a hash of the namespace}-{version}-{n}`.
///
/// The engine labels what it runs with it, so it is short and has no characters that a container name may not have.
public struct InstanceID: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let description: String

    /// - Parameter ordinal: unique among the instances of this version, across restarts of the core.
    public init(version: VersionKey, ordinal: UInt32) {
        let tenant = Digest(of: version.function.namespace.description.utf8).description.prefix(20)
        description = "\(version.function.name)-\(tenant)-\(version.number)-\(ordinal)"
    }

    /// Takes the text of an identifier, from a label or a log; `nil` for any other text.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, FunctionName.isValid(parts.dropLast(3).joined(separator: "-")),
            parts[parts.count - 3].utf8.count == 20, parts[parts.count - 3].allSatisfy(\.isHexDigit),
            Int(parts[parts.count - 2]) != nil, UInt32(parts[parts.count - 1]) != nil
        else { return nil }
        description = String(text)
    }

    public static func < (left: Self, right: Self) -> Bool { left.description < right.description }
}
