/// The answer to `GET /api/v1/functions/{namespace}/{name}/stats`: what the server that answers has counted since it
/// started, for a day at most.
public struct StatsMessage: Hashable, Sendable, Codable {
    public struct Figures: Hashable, Sendable, Codable {
        public var calls: Int
        /// Answered with a status of 500 and over, or not to the end.
        public var errors: Int
        /// Calls that waited for an instance to start.
        public var coldStarts: Int
        /// The most that there were at the end of a minute.
        public var instances: Int
        /// Quantiles of how long calls took, in milliseconds; off by 2.5 % at most.
        public var p50: Double?
        public var p95: Double?
        public var p99: Double?

        public init(
            calls: Int, errors: Int, coldStarts: Int, instances: Int, p50: Double? = nil, p95: Double? = nil,
            p99: Double? = nil
        ) {
            self.calls = calls
            self.errors = errors
            self.coldStarts = coldStarts
            self.instances = instances
            self.p50 = p50
            self.p95 = p95
            self.p99 = p99
        }

        enum CodingKeys: String, CodingKey {
            case calls, errors, instances
            case coldStarts = "cold_starts"
            case p50 = "p50_ms"
            case p95 = "p95_ms"
            case p99 = "p99_ms"
        }
    }

    /// A part of the time.
    public struct Point: Hashable, Sendable, Codable {
        /// When it begins. RFC 3339, UTC.
        public var time: String
        public var figures: Figures

        public init(time: String, figures: Figures) {
            self.time = time
            self.figures = figures
        }
    }

    /// What the figures are of. RFC 3339, UTC.
    public var since: String
    public var until: String
    /// How long each point is.
    public var stepSeconds: Int
    /// Those there are now.
    public var instances: Int
    public var total: Figures
    /// Those in which there was something to count, in their order.
    public var points: [Point]

    enum CodingKeys: String, CodingKey {
        case since, until, instances, total, points
        case stepSeconds = "step_seconds"
    }

    public init(
        since: String, until: String, stepSeconds: Int, instances: Int, total: Figures, points: [Point]
    ) {
        self.since = since
        self.until = until
        self.stepSeconds = stepSeconds
        self.instances = instances
        self.total = total
        self.points = points
    }
}
