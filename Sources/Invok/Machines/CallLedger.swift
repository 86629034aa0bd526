/// All calls of this core since its start, by function.
///
/// A machine: `CallMeter` brings it what was counted elsewhere.
package struct CallLedger: Sendable {
    package struct Starts: Hashable, Sendable {
        package var begun: UInt64 = 0
        package var failed: UInt64 = 0
    }

    /// One function's.
    package struct Totals: Hashable, Sendable {
        package var calls = CallCounts()
        package var starts = Starts()
    }

    /// How many minutes are remembered.
    static let minutesKept: Int64 = 24 * 60

    private let limit: Int
    private let historyBytes: Int
    package private(set) var functions: [FunctionKey: Totals] = [:]
    /// Those of functions that are gone, or are more than are told apart.
    package private(set) var others = Totals()
    /// Requests that were let in to no function.
    package private(set) var strays = CallCounts()
    /// How long instances took from the start to their readiness.
    package private(set) var startDurations = LatencyHistogram()
    /// What was counted since the last minute was closed.
    private var minute: [FunctionKey: CallCounts] = [:]
    private var histories: [FunctionKey: CallHistory] = [:]

    /// - Parameters:
    ///   - limit: how many functions are told apart.
    ///   - historyBytes: what their minutes may take together; the oldest go first.
    init(limit: Int, historyBytes: Int) {
        self.limit = limit
        self.historyBytes = historyBytes
    }

    /// Adds what was counted since the last time.
    mutating func absorb(_ table: CallTable) {
        for (key, counts) in table.functions {
            change(key) { $0.calls.merge(counts) }
            if functions[key] != nil { minute[key, default: CallCounts()].merge(counts) }
        }
        if let counts = table.others { others.calls.merge(counts) }
        if let counts = table.strays { strays.merge(counts) }
    }

    /// An instance's start has ended.
    mutating func onStart(of key: FunctionKey, after duration: Duration, isReady: Bool) {
        change(key) { totals in
            totals.starts.begun += 1
            if !isReady { totals.starts.failed += 1 }
        }
        if isReady { startDurations.record(duration) }
    }

    /// Counts the functions together that are not among these any more.
    mutating func keep(_ isThere: (FunctionKey) -> Bool) {
        for (key, totals) in functions where !isThere(key) {
            functions[key] = nil
            histories[key] = nil
            minute[key] = nil
            Self.add(totals, to: &others)
        }
    }

    // MARK: Minutes

    /// A minute is over.
    /// - Parameters:
    ///   - number: since 1970.
    ///   - instances: those that there are now, of functions that have some.
    mutating func closeMinute(_ number: Int64, instances: [FunctionKey: Int]) {
        for key in functions.keys {
            let (counts, running) = (minute[key], instances[key] ?? 0)
            if counts != nil || running > 0 {
                histories[key, default: CallHistory()].append(
                    counts ?? CallCounts(), instances: running, minute: number)
            }
            histories[key]?.drop(before: number - Self.minutesKept + 1)
        }
        minute = [:]
        while histories.values.reduce(0, { $0 + $1.bytes }) > historyBytes,
            let oldest = histories.values.compactMap({ $0.minutes.first?.number }).min()
        {
            for key in histories.keys { histories[key]?.drop(before: oldest + 1) }
        }
    }

    /// What was counted of a function, in parts of some minutes.
    /// - Parameters:
    ///   - start: the minute that begins it, since 1970.
    ///   - end: the minute that goes on.
    ///   - points: how many parts there may be, at least 1.
    ///   - instances: those that there are now.
    func series(of key: FunctionKey, from start: Int64, to end: Int64, points: Int, instances: Int) -> CallSeries {
        let count = max(1, end - start + 1)
        var series = CallSeries(startMinute: start, stepMinutes: Int((count + Int64(points) - 1) / Int64(points)))
        for minute in histories[key]?.minutes ?? [] where (start...max(start, end)).contains(minute.number) {
            series.add(at: minute.number) { $0.add(minute) }
        }
        if minute[key] != nil || instances > 0 {
            series.add(at: end) { $0.add(minute[key] ?? CallCounts(), instances: instances) }
        }
        return series
    }

    private mutating func change(_ key: FunctionKey, _ body: (inout Totals) -> Void) {
        if functions[key] == nil, functions.count >= limit {
            body(&others)
        } else {
            body(&functions[key, default: Totals()])
        }
    }

    private static func add(_ totals: Totals, to sum: inout Totals) {
        sum.calls.merge(totals.calls)
        sum.starts.begun += totals.starts.begun
        sum.starts.failed += totals.starts.failed
    }
}
