import Invok
public import InvokConsole
public import InvokProxy
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
    /// The most connections, and the most of one address or IPv6 network.
    public var connections: Int
    public var connectionsPerAddress: Int
    /// Addresses with many callers behind them, which have no limit of their own.
    public var sharedAddresses: [AddressRange]
    /// Streams that one user may have open.
    public var streamsPerUser: Int
    /// How long a client may take for its first byte.
    public var firstByteTimeout: TimeAmount
    /// How long a client may take for the head of a request, and an idle connection is kept.
    public var headTimeout: TimeAmount
    /// How long a client may pause in a body that somebody reads.
    public var bodyTimeout: TimeAmount
    /// How long all of a body of an API call may take the client, and its least rate in bytes a second.
    public var bodyTime: TimeAmount
    public var leastBodyRate: Int
    /// How long a client may take nothing of its answer.
    public var answerTimeout: TimeAmount
    /// The longest head of a request, in bytes.
    public var headBytes: Int
    /// The most header fields of a request.
    public var headFields: Int
    /// How long, and for how many bytes, the rest of a body that nobody wants is read, so that the client sees the answer
    /// instead of a reset connection.
    public var lingerTime: TimeAmount
    public var lingerBytes: Int
    /// Secures the connections; without it all is said in plain text.
    public var tls: TLSTermination?
    /// What makes this the listener of the console: it serves these files and the API, and never a function.
    public var console: ConsoleFiles?
    /// The origin at which functions are called, shown by `GET /api/v1/status`; `nil` where it is not known.
    public var functionsURL: String?

    public init(
        host: String = "127.0.0.1", port: Int = 3000, maximumUploadBytes: Int = 50 << 20, corsOrigins: [String] = [],
        hosts: HostRules = .open, trustedProxies: [AddressRange] = [], serverName: String? = "invok",
        world: [String: String] = [:], headTimeout: TimeAmount = .seconds(30),
        bodyTimeout: TimeAmount = .seconds(30),
        bodyTime: TimeAmount = .seconds(600), leastBodyRate: Int = 1024, answerTimeout: TimeAmount = .seconds(60),
        connections: Int = 1000, connectionsPerAddress: Int = 256, sharedAddresses: [AddressRange] = [],
        streamsPerUser: Int = 16, firstByteTimeout: TimeAmount = .seconds(10), headBytes: Int = 64 * 1024,
        headFields: Int = 200,
        lingerTime: TimeAmount = .seconds(5), lingerBytes: Int = 16 << 20, tls: TLSTermination? = nil,
        console: ConsoleFiles? = nil, functionsURL: String? = nil
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
        self.bodyTime = bodyTime
        self.leastBodyRate = leastBodyRate
        self.answerTimeout = answerTimeout
        self.connections = connections
        self.connectionsPerAddress = connectionsPerAddress
        self.sharedAddresses = sharedAddresses
        self.streamsPerUser = streamsPerUser
        self.firstByteTimeout = firstByteTimeout
        self.headBytes = headBytes
        self.headFields = headFields
        self.lingerTime = lingerTime
        self.lingerBytes = lingerBytes
        self.tls = tls
        self.console = console
        self.functionsURL = functionsURL
    }

    /// What the server speaks, as a URL begins.
    public var scheme: String { tls == nil ? "http" : "https" }
}

extension ServerConfiguration {
    /// Whether the address may stand for many callers.
    func isOfMany(_ address: IPAddress) -> Bool {
        trustedProxies.contains { $0.contains(address) } || sharedAddresses.contains { $0.contains(address) }
    }

    /// What callers without an account are told apart by; `nil` where one address stands for many.
    func strangerKey(of caller: Caller) -> String? {
        guard let address = IPAddress(caller.client) else { return caller.client }
        return isOfMany(address) ? nil : address.limitKey
    }

    /// What a client may take before anything is known of its request.
    var clientLimits: ClientLimits {
        ClientLimits(
            firstByte: min(.init(firstByteTimeout), .init(headTimeout)), idle: .init(headTimeout),
            head: .init(headTimeout), pause: .init(bodyTimeout), body: .init(bodyTime), leastRate: leastBodyRate)
    }
}
