/// A retention policy: how many versions of a function are kept besides the active one.
public struct Retention: Hashable, Sendable {
    /// Of each function at most so many failed ones are kept, however young they are: each has its build's output.
    public static let failedLimit = 100
    /// How long a failed version is kept.
    public static let failedLifetime = Duration.seconds(7 * 24 * 3600)

    /// The newest ready ones that are kept, for users whose quota `versions` has no override in the store.
    public let ready: Int
    /// Failed versions that were begun before are not kept.
    public let failedSince: Timestamp

    public init(ready: Int, failedSince: Timestamp) {
        self.ready = ready
        self.failedSince = failedSince
    }

    /// The policy of a quota.
    public init(_ quota: Quota, at now: Timestamp) {
        self.init(ready: quota[.versions], failedSince: now.advanced(by: .zero - Self.failedLifetime))
    }
}
