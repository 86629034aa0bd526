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

    private let limit: Int
    package private(set) var functions: [FunctionKey: Totals] = [:]
    /// Those of functions that are gone, or are more than are told apart.
    package private(set) var others = Totals()
    /// Requests that were let in to no function.
    package private(set) var strays = CallCounts()
    /// How long instances took from the start to their readiness.
    package private(set) var startDurations = LatencyHistogram()

    /// - Parameter limit: how many functions are told apart.
    init(limit: Int) { self.limit = limit }

    /// Adds what was counted since the last time.
    mutating func absorb(_ table: CallTable) {
        for (key, counts) in table.functions { change(key) { $0.calls.merge(counts) } }
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
            Self.add(totals, to: &others)
        }
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
