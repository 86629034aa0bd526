import Synchronization

/// Reference counts on what is stored, for what is under way on this core: a deploy needs its archive, its bundle and its
/// log before and after the store names them, a start its bundle.
///
/// They are kept in memory, since they end with the core as what they are for does.
final class Pins: Sendable {
    /// What is stored, and may be removed one day.
    enum Item: Hashable, Sendable {
        case archive(Digest)
        case bundle(BundleID)
        case log(FunctionKey)
    }

    private struct State {
        var counts: [Item: Int] = [:]
        /// Who waits for the end of each removal.
        var removals: [Item: [CheckedContinuation<Void, Never>]] = [:]
        /// What was held at any time since the collection began to read; `nil` while there is none.
        var held: Set<Item>?

        mutating func take(_ item: Item) {
            counts[item, default: 0] += 1
            held?.insert(item)
        }
    }

    private let state = Mutex(State())

    /// Holds items until `release`. One that is being removed is waited for, so that whoever holds it finds it whole or
    /// not at all.
    func hold(_ items: [Item]) async {
        for item in items { await hold(item) }
    }

    func release(_ items: [Item]) {
        state.withLock { state in
            for item in items {
                state.counts[item, default: 1] -= 1
                if state.counts[item] == 0 { state.counts[item] = nil }
            }
        }
    }

    private func hold(_ item: Item) async {
        await withCheckedContinuation { (waiter: CheckedContinuation<Void, Never>) in
            let isHeld = state.withLock { state in
                guard state.removals[item] == nil else {
                    state.removals[item]?.append(waiter)
                    return false
                }
                state.take(item)
                return true
            }
            if isHeld { waiter.resume() }
        }
    }

    // MARK: Removing

    /// A collection begins to read what there is and what is named.
    func beginCollection() { state.withLock { $0.held = Set($0.counts.keys) } }

    func endCollection() { state.withLock { $0.held = nil } }

    /// Removes an item that nobody has held since the collection began, or keeps it.
    /// - Parameter body: removes it; told that nobody takes hold of it until it returns.
    func remove(_ item: Item, _ body: () async -> Void) async {
        let mayRemove = state.withLock { state in
            guard let held = state.held, !held.contains(item), state.removals[item] == nil else { return false }
            state.removals[item] = []
            return true
        }
        guard mayRemove else { return }
        await body()
        let waiters = state.withLock { state in
            let waiters = state.removals.removeValue(forKey: item) ?? []
            for _ in waiters { state.take(item) }
            return waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
