public import NIOCore

/// How the server listens and what it allows.
public struct ServerConfiguration: Sendable {
    public var host: String
    /// 0 for any free port.
    public var port: Int
    /// The largest archive that may be uploaded, in bytes.
    public var maximumUploadBytes: Int
    /// The origins whose pages may call the API besides its own; `*` for all.
    public var corsOrigins: [String]
    /// The hosts that are answered for.
    public var hosts: HostRules
    /// Whose forwarding fields are believed.
    public var trustedProxies: [AddressRange]
    /// The `Server` header; `nil` for none.
    public var serverName: String?
    /// The adapter in use for each port, as `store: sqlite`, shown by `GET /api/v1/status`.
    public var world: [String: String]
    /// How long a client may take for the head of a request, and an idle connection is kept.
    public var headTimeout: TimeAmount
    /// How long a client may pause in a body that somebody reads.
    public var bodyTimeout: TimeAmount
    /// The longest head of a request, in bytes.
    public var headBytes: Int
    /// The most header fields of a request.
    public var headFields: Int
    /// How long, and for how many bytes, the rest of a body that nobody wants is read, so that the client sees the answer
    /// instead of a reset connection.
    public var lingerTime: TimeAmount
    public var lingerBytes: Int

    public init(
        host: String = "127.0.0.1", port: Int = 3000, maximumUploadBytes: Int = 50 << 20, corsOrigins: [String] = [],
        hosts: HostRules = .open, trustedProxies: [AddressRange] = [], serverName: String? = "invok",
        world: [String: String] = [:], headTimeout: TimeAmount = .seconds(30),
        bodyTimeout: TimeAmount = .seconds(30), headBytes: Int = 64 * 1024, headFields: Int = 200,
        lingerTime: TimeAmount = .seconds(5), lingerBytes: Int = 16 << 20
    ) {
        self.host = host
        self.port = port
        self.maximumUploadBytes = maximumUploadBytes
        self.corsOrigins = corsOrigins
        self.hosts = hosts
        self.trustedProxies = trustedProxies
        self.serverName = serverName
        self.world = world
        self.headTimeout = headTimeout
        self.bodyTimeout = bodyTimeout
        self.headBytes = headBytes
        self.headFields = headFields
        self.lingerTime = lingerTime
        self.lingerBytes = lingerBytes
    }
}
