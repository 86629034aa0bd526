import Invok
import InvokConcurrency
import InvokSim
import Synchronization

/// What users know of one function: the sequential model that answers and the final state are held against.
///
/// Two owners may change it at the same time; then nobody knows what came of it until the next change that goes alone.
final class SimFunctionModel: Sendable {
    enum Known: Hashable, Sendable {
        case absent
        case active(Int)
        /// A change was not answered, its answer left it open, or it met another one.
        case open
    }

    /// A change that goes on.
    struct Change: Sendable {
        let number: Int
        /// What was known when it began.
        let before: Known
    }

    private struct State {
        var known = Known.absent
        /// Grows with each change that may take the function away, and with each that may bring it.
        var epoch = 0
        var changes = 0
        var ongoing: Set<Int> = []
        var contended: Set<Int> = []
        /// When each core (each life of one) last answered a change that went alone: it knows of it from then on.
        var acknowledged: [String: Instant] = [:]
        /// Whether all code that may be active answers.
        var isHealthy = true
        /// From when on no core sends requests to code that was active before and does not answer.
        var healthySince = Instant(nanoseconds: 0)
    }

    let key: FunctionKey
    private let state = Mutex(State())

    private let clock: SimClock
    private let begun = Broadcast<FunctionKey, Void>(buffer: 1)

    init(key: FunctionKey, clock: SimClock) {
        self.key = key
        self.clock = clock
    }

    var known: Known { state.withLock { $0.known } }

    /// Tells of each change that begins from now on.
    var beginnings: AsyncStream<Void> { begun.messages(on: key) }

    /// What is known while nobody changes the function, and how many changes there were before.
    var quiet: (known: Known, changes: Int)? {
        state.withLock { $0.ongoing.isEmpty ? ($0.known, $0.changes) : nil }
    }

    /// What may be counted on for a request that begins now: the active version answers, and nobody takes it away.
    /// - Returns: `nil` when nothing may.
    var steady: Int? {
        let now = clock.now()
        return state.withLock { state in
            guard case .active = state.known, state.isHealthy, state.healthySince <= now else { return nil }
            return state.epoch
        }
    }

    /// Whether the function was there all the time since `steady` said so.
    func isStill(_ epoch: Int) -> Bool {
        state.withLock { $0.epoch == epoch && $0.isHealthy && $0.known != .absent }
    }

    /// A change begins that may put code to work.
    /// - Parameters:
    ///   - isHealthy: whether that code answers.
    ///   - removes: whether the change takes the function away; redeploys do not touch what a request may count on.
    func begin(isHealthy: Bool, removes: Bool = false) -> Change {
        begun.send((), on: key)
        return state.withLock { state in
            let change = Change(number: state.changes + 1, before: state.known)
            state.changes += 1
            state.ongoing.insert(change.number)
            if state.ongoing.count > 1 { state.contended.formUnion(state.ongoing) }
            state.isHealthy = state.isHealthy && isHealthy
            if removes {
                state.epoch += 1
                state.known = .open
            }
            return change
        }
    }

    /// When a core last acknowledged a change: it answers with nothing older from then on, whatever faults there are.
    func acknowledged(by core: String) -> Instant? { state.withLock { $0.acknowledged[core] } }

    /// Whether another change went on at the same time.
    func isContended(_ change: Change) -> Bool { state.withLock { $0.contended.contains(change.number) } }

    /// The change was answered.
    /// - Parameters:
    ///   - known: what is known by the answer, were it the only change.
    ///   - isHealthy: whether the code that is active now answers.
    ///   - core: who has acknowledged it; `nil` when nobody has.
    func end(_ change: Change, _ known: Known, isHealthy: Bool? = nil, by core: String? = nil) {
        let now = clock.now()
        state.withLock { state in
            state.ongoing.remove(change.number)
            state.changes += 1
            if state.known == .open || state.known == .absent { state.epoch += 1 }
            if state.contended.remove(change.number) != nil {
                state.known = .open
            } else {
                state.known = known
                if let core { state.acknowledged[core] = now }
                guard let isHealthy else { return }
                if isHealthy, !state.isHealthy { state.healthySince = now.advanced(by: SimChecker.staleness) }
                state.isHealthy = isHealthy
            }
        }
    }
}
