import Invok
import Synchronization

/// How many streams each user may have open: a semaphore for each. A stream costs a connection and a reader of its log for
/// as long as its client likes.
final class StreamPlaces: Sendable {
    private let limit: Int
    private let taken = Mutex<[UserID: Int]>([:])

    init(limit: Int) { self.limit = limit }

    /// A place, until the last reference to it goes.
    final class Place: Sendable {
        private let leave: @Sendable () -> Void
        fileprivate init(leave: @escaping @Sendable () -> Void) { self.leave = leave }
        deinit { leave() }
    }

    /// - Throws: `too_many_requests` when the user has as many as are allowed.
    func enter(_ user: UserID) throws(InvokError) -> Place {
        let isFree = taken.withLock { taken in
            guard taken[user, default: 0] < limit else { return false }
            taken[user, default: 0] += 1
            return true
        }
        guard isFree else {
            throw InvokError(
                .tooManyRequests, "\(limit) streams are open already", nextStep: "end one of them first",
                retryAfterSeconds: 5)
        }
        return Place { [self] in
            taken.withLock { taken in
                taken[user, default: 1] -= 1
                if taken[user] == 0 { taken[user] = nil }
            }
        }
    }
}
