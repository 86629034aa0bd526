public import Invok
import Synchronization

/// What was asked of a store about each function, and what it answered.
public final class StoreHistory: Sendable {
    public typealias Entry = RecordedCall<FunctionModel.Call, FunctionModel.Outcome>

    private struct State {
        var time = 0
        var entries: [FunctionKey: [Entry]] = [:]
    }

    private let state = Mutex(State())

    public init() {}

    /// The calls about each function, in the order in which they began.
    public var entries: [FunctionKey: [Entry]] { state.withLock { $0.entries } }

    /// The functions that were asked about, by key.
    var keys: [FunctionKey] { state.withLock { $0.entries.keys.sorted() } }

    func begin(_ call: FunctionModel.Call, about key: FunctionKey) -> Int {
        state.withLock { state in
            state.time += 1
            state.entries[key, default: []].append(Entry(call, began: state.time, ended: nil, outcome: nil))
            return state.entries[key, default: []].count - 1
        }
    }

    func end(_ index: Int, about key: FunctionKey, _ outcome: FunctionModel.Outcome?) {
        state.withLock { state in
            state.time += 1
            state.entries[key]?[index].ended = state.time
            state.entries[key]?[index].outcome = outcome
        }
    }

    /// The call was refused for a reason that is not the function's own, and changed nothing.
    func withdraw(_ index: Int, about key: FunctionKey) {
        state.withLock { $0.entries[key]?[index].call = .nothing }
        end(index, about: key, .done)
    }

    /// Whether the store failed when it was asked what had become of an activation that it had failed too.
    func isUnanswered(_ key: FunctionKey, active: Int) -> Bool {
        let calls = entries[key, default: []]
        let failed = calls.last { entry in
            switch entry.call {
            case .activateBuilt(active, _, _), .activate(active, _): entry.outcome == nil
            default: false
            }
        }
        guard let end = failed?.ended else { return false }
        return calls.contains { $0.call == .function && $0.began > end && $0.outcome == nil }
    }

    /// What no order of the calls explains, in words; `undecided` counts functions with too many possible orders.
    public func check() -> (violations: [String], undecided: Int) {
        var result: (violations: [String], undecided: Int) = ([], 0)
        for (key, history) in entries.sorted(by: { $0.key < $1.key }) {
            switch Linearizability<FunctionModel>.check(history) {
            case .linearizable: break
            case .undecided: result.undecided += 1
            case .violated(let index):
                let entry = history[index]
                let outcome = entry.outcome.map { "\($0)" } ?? "nothing"
                result.violations.append(
                    "no order of the store's calls explains that '\(entry.call)' of \(key) gave '\(outcome)'")
            }
        }
        return result
    }
}
