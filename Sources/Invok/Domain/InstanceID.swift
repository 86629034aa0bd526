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

    public static func < (left: Self, right: Self) -> Bool { left.description < right.description }
}
