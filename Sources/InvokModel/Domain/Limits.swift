/// What one function may use. Valid once made; each field has a range, and a value outside it is an error that says so.
public struct Limits: Hashable, Sendable, Codable {
    /// Memory of one instance in megabytes (2^20 bytes).
    public let memoryMB: Int
    /// Processor time of one instance, in cores.
    public let cpus: Double
    /// How long the function may take until its answer's head, in seconds, the client's own pauses not counted.
    public let timeoutSeconds: Int
    /// How long its answer may pause, and the client in the request's body, in seconds.
    public let pauseSeconds: Int
    /// How long all of a request may take, first byte in to last byte out, in seconds.
    public let streamSeconds: Int
    /// Requests that one instance answers at a time.
    public let concurrency: Int
    /// Instances that are kept running without any request.
    public let minInstances: Int
    public let maxInstances: Int
    /// How long an instance without a request is kept, in seconds.
    public let idleSeconds: Int
    /// How long an instance may take from its start until it answers its readiness check, in seconds.
    public let startSeconds: Int
    /// Requests a second that callers without an account may send to it from one address, or one IPv6 network, while it is
    /// public; 0 for as many as they like.
    public let ratePerCaller: Int

    public static let standard = Limits(
        unchecked: 128, cpus: 1, timeoutSeconds: 30, pauseSeconds: 300, streamSeconds: 900, concurrency: 16,
        minInstances: 0, maxInstances: 4, idleSeconds: 300, startSeconds: 30, ratePerCaller: 50
    )

    static let memoryRange = 16...4096
    static let cpuRange = 0.05...16.0
    static let timeoutRange = 1...900
    static let pauseRange = 1...900
    static let streamRange = 1...86_400
    static let concurrencyRange = 1...1000
    static let instanceRange = 1...100
    static let idleRange = 1...86_400
    static let startRange = 1...120
    static let rateRange = 0...100_000

    /// Takes the given values and the standard ones for the rest.
    /// - Throws: `InvokError` with the code `invalid_config` that names the field and its range.
    public init(_ given: LimitsConfig) throws(InvokError) {
        let standard = Limits.standard
        memoryMB = try checked(given.memoryMB ?? standard.memoryMB, "limits.memoryMB", in: Self.memoryRange)
        cpus = try checked(given.cpus ?? standard.cpus, "limits.cpus", in: Self.cpuRange)
        timeoutSeconds = try checked(
            given.timeoutSeconds ?? standard.timeoutSeconds, "limits.timeoutSeconds", in: Self.timeoutRange)
        pauseSeconds = try checked(
            given.pauseSeconds ?? standard.pauseSeconds, "limits.pauseSeconds", in: Self.pauseRange)
        streamSeconds = try checked(
            given.streamSeconds ?? standard.streamSeconds, "limits.streamSeconds", in: Self.streamRange)
        concurrency = try checked(
            given.concurrency ?? standard.concurrency, "limits.concurrency", in: Self.concurrencyRange)
        let minimum = given.minInstances ?? standard.minInstances
        maxInstances = try checked(
            given.maxInstances ?? max(minimum, standard.maxInstances), "limits.maxInstances", in: Self.instanceRange)
        minInstances = try checked(minimum, "limits.minInstances", in: 0...maxInstances)
        idleSeconds = try checked(given.idleSeconds ?? standard.idleSeconds, "limits.idleSeconds", in: Self.idleRange)
        startSeconds = try checked(
            given.startSeconds ?? standard.startSeconds, "limits.startSeconds", in: Self.startRange)
        ratePerCaller = try checked(
            given.ratePerCaller ?? standard.ratePerCaller, "limits.ratePerCaller", in: Self.rateRange)
    }

    private init(
        unchecked memoryMB: Int, cpus: Double, timeoutSeconds: Int, pauseSeconds: Int, streamSeconds: Int,
        concurrency: Int, minInstances: Int, maxInstances: Int, idleSeconds: Int, startSeconds: Int,
        ratePerCaller: Int
    ) {
        self.memoryMB = memoryMB
        self.cpus = cpus
        self.timeoutSeconds = timeoutSeconds
        self.pauseSeconds = pauseSeconds
        self.streamSeconds = streamSeconds
        self.concurrency = concurrency
        self.minInstances = minInstances
        self.maxInstances = maxInstances
        self.idleSeconds = idleSeconds
        self.startSeconds = startSeconds
        self.ratePerCaller = ratePerCaller
    }
}

extension Limits {
    /// What was stored before an entry of these was there has the standard value.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func whole(_ key: CodingKeys) throws -> Int { try container.decode(Int.self, forKey: key) }
        self.init(
            unchecked: try whole(.memoryMB), cpus: try container.decode(Double.self, forKey: .cpus),
            timeoutSeconds: try whole(.timeoutSeconds),
            pauseSeconds: try container.decodeIfPresent(Int.self, forKey: .pauseSeconds)
                ?? Self.standard.pauseSeconds,
            streamSeconds: try container.decodeIfPresent(Int.self, forKey: .streamSeconds)
                ?? Self.standard.streamSeconds,
            concurrency: try whole(.concurrency), minInstances: try whole(.minInstances),
            maxInstances: try whole(.maxInstances), idleSeconds: try whole(.idleSeconds),
            startSeconds: try container.decodeIfPresent(Int.self, forKey: .startSeconds)
                ?? Self.standard.startSeconds,
            ratePerCaller: try container.decodeIfPresent(Int.self, forKey: .ratePerCaller)
                ?? Self.standard.ratePerCaller)
    }
}

private func checked<Value: Comparable>(
    _ value: Value, _ field: String, in range: ClosedRange<Value>
) throws(InvokError) -> Value {
    guard range.contains(value) else {
        throw .invalidConfig("\(field) is \(value), but must be from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
}
