/// Shows people what was counted of their functions' calls on this core.
public final class Statistics: Sendable {
    /// The most parts that a time is shown in.
    public static let maximumPoints = 1440
    public static let standardPoints = 60
    /// How far the figures go back, unless they take too much memory.
    public static let kept = Duration.seconds(24 * 3600)

    private let functions: Functions
    private let dispatcher: Dispatcher
    private let calls: CallMeter
    private let clock: any Clock

    init(functions: Functions, dispatcher: Dispatcher, calls: CallMeter, clock: any Clock) {
        self.functions = functions
        self.dispatcher = dispatcher
        self.calls = calls
        self.clock = clock
    }

    /// What was counted of a function's calls.
    /// - Parameters:
    ///   - since: the begin of that minute; an hour ago unless told.
    ///   - points: in how many parts of the time to show it at most.
    /// - Throws: `not_found` for a function that is not there, or that the caller may not see.
    public func statistics(
        of key: FunctionKey, since: Timestamp?, points: Int, as principal: Principal
    ) async throws(InvokError) -> StatsMessage {
        _ = try await functions.function(key, as: principal)
        let now = clock.wallTime()
        let instances = dispatcher.load(of: key).instances
        let asked = max(since ?? now.advanced(by: .seconds(-3600)), now.advanced(by: .zero - Self.kept), calls.began)
        let series = calls.series(of: key, from: min(asked, now), to: now, points: points, instances: instances)
        return StatsMessage(
            since: Self.text(series.startMinute), until: now.description, stepSeconds: series.stepMinutes * 60,
            instances: instances, total: StatsMessage.Figures(series.total),
            points: series.points.map { StatsMessage.Point(time: Self.text($0.minute), figures: .init($0.figures)) })
    }

    private static func text(_ minute: Int64) -> String {
        Timestamp(millisecondsSinceEpoch: minute * 60_000).description
    }
}

extension StatsMessage.Figures {
    fileprivate init(_ figures: CallFigures) {
        let milliseconds = { (part: Double) in
            figures.durations.quantile(part).map { Double($0.wholeNanoseconds / 1000) / 1000 }
        }
        self.init(
            calls: Int(clamping: figures.calls), errors: Int(clamping: figures.errors),
            coldStarts: Int(clamping: figures.coldStarts), instances: figures.instances, p50: milliseconds(0.5),
            p95: milliseconds(0.95), p99: milliseconds(0.99))
    }
}
