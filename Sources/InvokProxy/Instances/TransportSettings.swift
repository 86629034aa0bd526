public import NIOCore

/// The bounds of a `UnixSocketTransport`.
public struct TransportSettings: Sendable {
    /// Idle connections kept for one instance.
    public var idlePerEndpoint: Int
    /// How long an idle connection is kept. Shorter than what servers commonly allow (Node: 5 s), so that a connection
    /// is seldom closed under a request.
    public var idleExpiry: TimeAmount
    public var connectTimeout: TimeAmount
    /// The longest head of an answer, and its trailers, in bytes.
    public var headBytes: Int
    /// The most fields in each.
    public var headFields: Int

    public init(
        idlePerEndpoint: Int = 64, idleExpiry: TimeAmount = .seconds(4), connectTimeout: TimeAmount = .seconds(5),
        headBytes: Int = 64 * 1024, headFields: Int = 200
    ) {
        self.idlePerEndpoint = idlePerEndpoint
        self.idleExpiry = idleExpiry
        self.connectTimeout = connectTimeout
        self.headBytes = headBytes
        self.headFields = headFields
    }

    var headLimits: HeadLimits { HeadLimits(bytes: headBytes, fields: headFields) }
}
