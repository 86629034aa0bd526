/// What calls do when they come one after the other: what a concurrent history is held against.
public protocol SequentialModel {
    associatedtype State: Hashable
    associatedtype Call: Sendable
    associatedtype Outcome: Equatable, Sendable

    static var initial: State { get }

    /// Runs one call alone.
    static func apply(_ call: Call, to state: inout State) -> Outcome

    /// Whether the call leaves every state as it is in which it has this outcome.
    static func isRead(_ call: Call, giving outcome: Outcome) -> Bool
}

/// A call in a concurrent history. Times are places in one order of all beginnings and ends.
public struct RecordedCall<Call: Sendable, Outcome: Sendable>: Sendable {
    public var call: Call
    public var began: Int
    /// `nil` when it never ended: who called has crashed.
    public var ended: Int?
    /// `nil` when the outcome says nothing: the call may have happened, may happen later, or never.
    public var outcome: Outcome?

    public init(_ call: Call, began: Int, ended: Int?, outcome: Outcome?) {
        self.call = call
        self.began = began
        self.ended = ended
        self.outcome = outcome
    }
}

/// Whether each call of a history can have happened at one instant between its beginning and its end, in an order that
/// explains all outcomes (Herlihy, Wing, "Linearizability"; the search follows Lowe, "Testing for linearizability":
/// calls are put in order only when one of them ends, and states that were reached already are not searched again).
public enum Linearizability<Model: SequentialModel> {
    public typealias Entry = RecordedCall<Model.Call, Model.Outcome>

    public enum Verdict: Hashable, Sendable {
        case linearizable
        /// No order explains the outcome of the call with this index.
        case violated(at: Int)
        /// More orders are possible than were tried.
        case undecided
    }

    private struct Configuration: Hashable {
        var state: Model.State
        /// Calls that have happened and not ended yet.
        var happened: Set<Int> = []
    }

    /// - Parameter width: how many configurations are kept at a time.
    public static func check(_ history: [Entry], width: Int = 2000) -> Verdict {
        var reached: Set<Configuration> = [Configuration(state: Model.initial)]
        var open: [Int] = []
        for (index, isEnd) in events(of: history) {
            guard isEnd else {
                open.append(index)
                continue
            }
            // Mostly calls come one after the other.
            if open == [index], reached.count == 1, let only = reached.first, only.happened.isEmpty {
                guard var next = step(only, index, history[index]) else { return .violated(at: index) }
                next.happened = []
                reached = [next]
                open = []
                continue
            }
            guard let next = configurations(from: reached, in: history, open: open, after: index, width: width) else {
                return .undecided
            }
            if next.isEmpty { return .violated(at: index) }
            reached = next
            open.removeAll { $0 == index }
        }
        return .linearizable
    }

    /// Beginnings and those ends that say something, in their order.
    private static func events(of history: [Entry]) -> [(index: Int, isEnd: Bool)] {
        var events: [(time: Int, index: Int, isEnd: Bool)] = []
        for (index, entry) in history.enumerated() {
            events.append((entry.began, index, false))
            if let ended = entry.ended, entry.outcome != nil { events.append((ended, index, true)) }
        }
        return events.sorted { $0.time < $1.time }.map { ($0.index, $0.isEnd) }
    }

    /// Every configuration in which the call has happened. It is left out of them, since it ends now.
    /// - Returns: `nil` when there are too many.
    private static func configurations(
        from reached: Set<Configuration>, in history: [Entry], open: [Int], after ended: Int, width: Int
    ) -> Set<Configuration>? {
        var found: Set<Configuration> = []
        var left: [Configuration] = []
        var seen: Set<Configuration> = []
        func reach(_ configuration: Configuration) {
            let next = lettingReadsHappen(configuration, open, history)
            if seen.insert(next).inserted { left.append(next) }
        }
        for configuration in reached { reach(configuration) }
        while var configuration = left.popLast() {
            if configuration.happened.contains(ended) {
                configuration.happened.remove(ended)
                found.insert(configuration)
                continue
            }
            for index in open where !configuration.happened.contains(index) {
                guard let next = step(configuration, index, history[index]) else { continue }
                reach(next)
            }
            if seen.count > width { return nil }
        }
        return found
    }

    /// A read that fits now happens now: to wait with it explains no more.
    private static func lettingReadsHappen(
        _ configuration: Configuration, _ open: [Int], _ history: [Entry]
    ) -> Configuration {
        var next = configuration
        for index in open where !next.happened.contains(index) {
            let entry = history[index]
            guard let outcome = entry.outcome, Model.isRead(entry.call, giving: outcome) else { continue }
            var state = next.state
            if Model.apply(entry.call, to: &state) == outcome { next.happened.insert(index) }
        }
        return next
    }

    /// Lets one open call happen.
    /// - Returns: `nil` when its outcome was another one, or when it would change nothing and nobody could tell.
    private static func step(_ from: Configuration, _ index: Int, _ entry: Entry) -> Configuration? {
        var next = from
        let outcome = Model.apply(entry.call, to: &next.state)
        if let expected = entry.outcome {
            guard outcome == expected else { return nil }
        } else {
            guard next.state != from.state else { return nil }
        }
        next.happened.insert(index)
        return next
    }
}
