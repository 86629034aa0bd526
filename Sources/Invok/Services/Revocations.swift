import Logging
import Synchronization

/// The revocation list: the users whose tokens count no more, read from the store at intervals.
///
/// All of it is in memory, so that a call with a token asks no store, also from a user whom this core has never seen.
/// With the store away, what was read last holds on.
final class Revocations: Sendable {
    /// How often it is read: with the time of the reading, a user's disabling takes effect within 15 s.
    static let interval = Duration.seconds(5)

    private let store: any MetadataStore
    private let clock: any Clock
    private let logger: Logger
    private let disabled = Mutex<Set<UserID>>([])

    init(store: any MetadataStore, clock: any Clock, logger: Logger) {
        self.store = store
        self.clock = clock
        self.logger = logger
    }

    func contains(_ user: UserID) -> Bool { disabled.withLock { $0.contains(user) } }

    /// Reads the list.
    func refresh() async throws(StoreError) {
        let users = try await store.disabledUsers()
        disabled.withLock { $0 = users }
    }

    /// Reads it at intervals, one reading at a time, until the task is cancelled.
    func run() async {
        await clock.every(Self.interval) {
            do throws(StoreError) { try await refresh() } catch {
                logger.debug("the revocation list was not read", metadata: ["reason": "\(error)"])
            }
        }
    }
}
