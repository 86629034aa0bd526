import Synchronization

/// Each user's quota, in memory: whoever asks waits for no store.
///
/// There are few overrides, since operators make them one by one, so all are read together, at intervals; a change
/// holds on every core within `SystemSettings.reconcileInterval`, and what is known holds on while the store is away.
public final class Quotas: Sendable {
    private struct State {
        var overrides: [UserID: Quota.Overrides] = [:]
        var onlyUser: UserID?
    }

    private let store: any MetadataStore
    private let standard: Quota
    private let freesOnlyUser: Bool
    private let state = Mutex(State())

    init(store: any MetadataStore, settings: SystemSettings) {
        self.store = store
        standard = settings.quota
        freesOnlyUser = settings.freesOnlyUser
    }

    /// The quota of a user, and of its namespace, which has the same identifier.
    public func quota(of user: UserID) -> Quota {
        let (overrides, onlyUser) = state.withLock { ($0.overrides[user], $0.onlyUser) }
        let base = freesOnlyUser && onlyUser == user ? standard.freed : standard
        return overrides.map(base.replacing) ?? base
    }

    /// Reads what operators have set.
    func refresh() async throws(StoreError) {
        let overrides = try await store.quotaOverrides()
        let onlyUser = freesOnlyUser ? try await store.onlyUser() : nil
        state.withLock { $0 = State(overrides: overrides, onlyUser: onlyUser) }
    }
}
