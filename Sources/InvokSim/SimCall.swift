import Synchronization

/// A call of a function from outside, and which parts were asked before it was answered.
package final class SimCall: Sendable {
    /// The call for which the running task works; `nil` for what a core does by itself.
    @TaskLocal package static var current: SimCall?

    private let effects = Mutex<[String]>([])

    package init() {}

    /// What each call needs: its way to an instance, and the function's log, which takes what it is given.
    private static let needed: Set<String> = ["transport.exchange", "logs.append"]

    /// In order; without what each call needs.
    package var asked: [String] { effects.withLock { $0 } }

    package func note(_ effect: String) {
        guard !Self.needed.contains(effect) else { return }
        effects.withLock { $0.append(effect) }
    }
}
