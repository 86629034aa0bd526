import Synchronization

/// A call of a function from outside, and what was asked of the store and the cache before it was answered.
final class SimCall: Sendable {
    /// The call for which the running task works; `nil` for what a core does by itself.
    @TaskLocal static var current: SimCall?

    private let effects = Mutex<[String]>([])

    /// In order.
    var asked: [String] { effects.withLock { $0 } }

    func note(_ effect: String) {
        guard effect.hasPrefix("store.") || effect.hasPrefix("cache.") else { return }
        effects.withLock { $0.append(effect) }
    }
}
