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
        guard parts.count >= 4, FunctionName.isValid(parts.dropLast(3).joined(separator: "-")) else { return nil }
        let (tenant, number, ordinal) = (parts[parts.count - 3], parts[parts.count - 2], parts[parts.count - 1])
        // Written again they must be the same text: no sign, no leading zero.
        guard tenant.utf8.count == 20, tenant.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) }),
            Int(number).map(String.init) == String(number), UInt32(ordinal).map({ String($0) }) == String(ordinal)
        else { return nil }
        description = String(text)
    }

    public static func < (left: Self, right: Self) -> Bool { left.description < right.description }
}
