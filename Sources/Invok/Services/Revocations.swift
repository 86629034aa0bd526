import Logging
import Synchronization

/// The revocation list: whose tokens count no more, and which, read from the store at intervals.
///
/// All of it is in memory, so that a call with a token asks no store, also from a user whom this core has never seen.
/// With the store away what was read last holds on, and after a while no token counts.
final class Revocations: Sendable {
    /// How often it is read: with the time of the reading, what is taken back counts no more within 15 s.
    static let interval = Duration.seconds(5)

    private struct Known {
        var disabled: Set<UserID> = []
        var sessions: [UUIDValue: Timestamp] = [:]
        var logins: [UserID: (before: Timestamp, until: Timestamp)] = [:]
        /// Up to where the list was read.
        var epoch = 0
        var isTooOld = false

        func contains(_ claims: TokenClaims) -> Bool {
            if disabled.contains(claims.user) { return true }
            if let session = claims.session, sessions[session] != nil { return true }
            return logins[claims.user].map { claims.loggedInAt < $0.before } ?? false
        }

        mutating func add(_ revocation: Revocation) {
            switch revocation {
            case .session(let id, let until): sessions[id] = until
            case .logins(let user, let before, let until):
                let last = logins[user]
                logins[user] = (max(before, last?.before ?? before), max(until, last?.until ?? until))
            }
        }

        /// Forgets what only tokens could contradict that have expired.
        mutating func sweep(_ now: Timestamp) {
            sessions = sessions.filter { $0.value > now }
            logins = logins.filter { $0.value.until > now }
        }
    }

    private let store: any MetadataStore
    private let accounts: any AccountStore
    private let clock: any Clock
    private let limit: Duration
    private let logger: Logger
    private let known = Mutex(Known())

    /// - Parameter limit: how long what was read is believed.
    init(
        store: any MetadataStore, accounts: any AccountStore, clock: any Clock, limit: Duration, logger: Logger
    ) {
        self.store = store
        self.accounts = accounts
        self.clock = clock
        self.limit = limit
        self.logger = logger
    }

    func contains(_ user: UserID) -> Bool { known.withLock { $0.disabled.contains(user) } }

    /// Whether the token counts no more.
    func contains(_ claims: TokenClaims) -> Bool { known.withLock { $0.contains(claims) } }

    /// Whether a token that is no forgery counts.
    enum Standing {
        case good
        case revoked
        /// The list is too old to tell.
        case unknown
    }

    func standing(of claims: TokenClaims) -> Standing {
        known.withLock { $0.contains(claims) ? .revoked : $0.isTooOld ? .unknown : .good }
    }

    /// Something was taken back by this core, which so knows it at once.
    func add(_ revocation: Revocation) { known.withLock { $0.add(revocation) } }

    /// Reads the list.
    func refresh() async throws(StoreError) {
        let (epoch, now) = (known.withLock { $0.epoch }, clock.wallTime())
        let users = try await store.disabledUsers()
        let page = try await accounts.revocations(after: epoch, now: now)
        known.withLock { known in
            known.disabled = users
            known.sweep(now)
            for revocation in page.revocations { known.add(revocation) }
            known.epoch = max(known.epoch, page.epoch)
            known.isTooOld = false
        }
    }

    /// Reads it at intervals, one reading at a time, until the task is cancelled.
    func run() async {
        var readAt = clock.now()
        await clock.every(Self.interval) {
            let began = clock.now()
            do throws(StoreError) {
                try await refresh()
                readAt = began
            } catch {
                logger.debug("the revocation list was not read", metadata: ["reason": "\(error)"])
                let isTooOld = readAt.advanced(by: limit) < clock.now()
                known.withLock { $0.isTooOld = isTooOld }
            }
        }
    }
}
