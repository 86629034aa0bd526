import Synchronization

/// Single flight: work in the background that nobody waits for, one at a time for each key, owned by the task group of
/// `run`.
///
/// What is asked for while it is under way is done once more behind it: the flight may have read what was true before.
package final class BackgroundFlights<Key: Hashable & Sendable>: Sendable {
    private enum Flight {
        case underway
        case wantedAgain
    }

    private let flights = Mutex<[Key: Flight]>([:])
    private let limit: Int
    // Bounded by the flights: a key is in it once.
    private let departures = AsyncStream<Key>.makeStream()

    /// - Parameter limit: flights at a time; what is asked for beyond them is not done.
    package init(limit: Int) { self.limit = limit }

    /// How many are under way, or wait for `run`.
    package var count: Int { flights.withLock { $0.count } }

    /// Asks for the work.
    /// - Returns: `false` when there are too many flights.
    @discardableResult
    package func start(_ key: Key) -> Bool {
        let isNew: Bool? = flights.withLock { flights in
            guard flights[key] == nil else {
                flights[key] = .wantedAgain
                return false
            }
            guard flights.count < limit else { return nil }
            flights[key] = .underway
            return true
        }
        if isNew == true { departures.continuation.yield(key) }
        return isNew != nil
    }

    /// Does what is asked for, until the task is cancelled. To be called once.
    /// - Parameter work: ends early when its task is cancelled.
    package func run(_ work: @escaping @Sendable (Key) async -> Void) async {
        await withDiscardingTaskGroup { group in
            for await key in departures.stream { group.addTask { await self.fly(key, work) } }
        }
    }

    private func fly(_ key: Key, _ work: @Sendable (Key) async -> Void) async {
        repeat {
            flights.withLock { $0[key] = .underway }
            await work(key)
        } while !Task.isCancelled && !land(key)
    }

    /// - Returns: `false` when the work is wanted once more.
    private func land(_ key: Key) -> Bool {
        flights.withLock { flights in
            if case .wantedAgain? = flights[key] { return false }
            flights[key] = nil
            return true
        }
    }
}
