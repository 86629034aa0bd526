/// What was counted of one function's calls in each minute in which there was something to count.
struct CallHistory: Hashable, Sendable {
    struct Minute: Hashable, Sendable {
        /// Since 1970.
        let number: Int64
        var calls: UInt64
        var errors: UInt64
        var coldStarts: UInt64
        /// At the end of the minute.
        var instances: Int
        /// As `LatencyHistogram.packed`.
        var durations: [UInt8]

        /// About what it takes.
        var bytes: Int { MemoryLayout<Minute>.size + durations.count + 32 }
    }

    /// In their order.
    private(set) var minutes: [Minute] = []
    private(set) var bytes = 0

    /// - Parameter minute: not earlier than the last one. A clock that was put back goes on with that one.
    mutating func append(_ counts: CallCounts, instances: Int, minute: Int64) {
        var (next, durations) = (
            Minute(number: minute, calls: 0, errors: 0, coldStarts: 0, instances: 0, durations: []), counts.durations
        )
        if let last = minutes.last, last.number >= minute {
            durations.merge(packed: last.durations)
            bytes -= last.bytes
            next = minutes.removeLast()
        }
        next.calls += counts.calls
        next.errors += counts.errors
        next.coldStarts += counts.coldStarts
        next.instances = instances
        next.durations = durations.packed
        bytes += next.bytes
        minutes.append(next)
    }

    /// Forgets what is older than that.
    mutating func drop(before minute: Int64) {
        let old = minutes.prefix { $0.number < minute }
        guard !old.isEmpty else { return }
        bytes -= old.reduce(0) { $0 + $1.bytes }
        minutes.removeFirst(old.count)
    }
}

/// What was counted of a function's calls in some time.
package struct CallFigures: Hashable, Sendable {
    package var calls: UInt64 = 0
    package var errors: UInt64 = 0
    package var coldStarts: UInt64 = 0
    /// The most at the end of a minute.
    package var instances = 0
    package private(set) var durations = LatencyHistogram()

    package init() {}

    mutating func add(_ minute: CallHistory.Minute) {
        calls += minute.calls
        errors += minute.errors
        coldStarts += minute.coldStarts
        instances = max(instances, minute.instances)
        durations.merge(packed: minute.durations)
    }

    mutating func add(_ counts: CallCounts, instances: Int) {
        calls += counts.calls
        errors += counts.errors
        coldStarts += counts.coldStarts
        self.instances = max(self.instances, instances)
        durations.merge(counts.durations)
    }
}

/// The figures of some time, in parts of the same length; those in which there is nothing are left out.
package struct CallSeries: Hashable, Sendable {
    package struct Point: Hashable, Sendable {
        /// When it begins, since 1970.
        package let minute: Int64
        package fileprivate(set) var figures: CallFigures
    }

    package let startMinute: Int64
    package let stepMinutes: Int
    package private(set) var total = CallFigures()
    package private(set) var points: [Point] = []

    init(startMinute: Int64, stepMinutes: Int) {
        self.startMinute = startMinute
        self.stepMinutes = stepMinutes
    }

    /// - Parameter minute: not earlier than the last one.
    mutating func add(at minute: Int64, _ add: (inout CallFigures) -> Void) {
        add(&total)
        let begin = minute - (minute - startMinute) % Int64(stepMinutes)
        if points.last?.minute != begin { points.append(Point(minute: begin, figures: CallFigures())) }
        add(&points[points.count - 1].figures)
    }
}
