/// What a successful deploy, rollback or update made active.
public struct Deployment: Hashable, Sendable {
    public let version: Version
    public let access: Access

    public init(version: Version, access: Access) {
        self.version = version
        self.access = access
    }
}
