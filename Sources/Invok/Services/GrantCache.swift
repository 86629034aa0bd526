import Logging
import Synchronization

/// Roles in the namespaces of others, from memory: stale-while-revalidate (RFC 5861 §3), bounded, renewed in the
/// background by a single flight.
///
/// What is used is renewed at intervals, and what is not used for a while is forgotten as soon as the store answers, so
/// that nothing is believed for long that the store would not say. With the store away, what is known holds on.
final class GrantCache: Sendable {
    static let capacity = 10_000
    static let interval = Duration.seconds(5)
    /// How long after its last use a role is kept and renewed.
    static let idleTime = Duration.seconds(60)
    /// How long a stranger is believed to be one, who may get a role at any time.
    static let strangerTime = Duration.seconds(1)

    private struct Key: Hashable {
        let namespace: Namespace
        let user: UserID
    }

    private struct Entry {
        /// `nil` for a stranger.
        var role: Role?
        var readAt: Instant
        var usedAt: Instant
    }

    private let store: any MetadataStore
    private let clock: any Clock
    private let logger: Logger
    private let entries = Mutex(ClockCache<Key, Entry>(capacity: capacity))

    init(store: any MetadataStore, clock: any Clock, logger: Logger) {
        self.store = store
        self.clock = clock
        self.logger = logger
    }

    /// The role of somebody who does not own the namespace: what is known, or else what the store says.
    /// - Returns: `nil` for a stranger.
    func role(of user: UserID, in namespace: Namespace) async throws(StoreError) -> Role? {
        let key = Key(namespace: namespace, user: user)
        let now = clock.now()
        if let known = known(key, now) { return known.role }
        let role = try await store.grant(namespace: namespace, user: user)?.role
        entries.withLock { $0.set(Entry(role: role, readAt: now, usedAt: now), for: key) }
        return role
    }

    /// The role, where it is known.
    func knownRole(of user: UserID, in namespace: Namespace) -> Role? {
        known(Key(namespace: namespace, user: user), clock.now())?.role
    }

    private func known(_ key: Key, _ now: Instant) -> Entry? {
        entries.withLock { entries in
            guard var entry = entries.value(for: key) else { return nil }
            guard entry.role != nil || entry.readAt.advanced(by: Self.strangerTime) > now else { return nil }
            entry.usedAt = now
            entries.set(entry, for: key)
            return entry
        }
    }

    /// Renews what is used, until the task is cancelled.
    func run() async {
        await clock.every(Self.interval) {
            do throws(StoreError) { try await renew() } catch {
                logger.debug("roles were not renewed", metadata: ["reason": "\(error)"])
            }
        }
    }

    private func renew() async throws(StoreError) {
        for (key, entry) in entries.withLock({ $0.entries }) {
            let now = clock.now()
            let isUsed = entry.role != nil && entry.usedAt.advanced(by: Self.idleTime) > now
            let role = isUsed ? try await store.grant(namespace: key.namespace, user: key.user)?.role : nil
            entries.withLock { entries in
                // What was read meanwhile because somebody asked is as new.
                guard var current = entries.value(for: key), current.readAt == entry.readAt else { return }
                guard isUsed else { return entries.remove(key) }
                (current.role, current.readAt) = (role, now)
                entries.set(current, for: key)
            }
        }
    }
}
