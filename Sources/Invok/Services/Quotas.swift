import Synchronization

/// Each user's quota, in memory: whoever asks waits for no store.
///
/// There are few overrides, since operators make them one by one, so all are read together, at intervals; a change
/// holds on every core within `SystemSettings.reconcileInterval`, and what is known holds on while the store is away.
public final class Quotas: Sendable {
    /// Namespaces whose rates are counted at a time.
    static let ratedLimit = 10_000
    /// Addresses of strangers that are counted at a time, each for each function that it calls.
    static let strangerLimit = 10_000
    /// For how long a stranger who was still may send twice as much.
    static let strangerBurst = 2

    private struct Stranger: Hashable {
        let function: FunctionKey
        let address: String
    }

    private struct State {
        var overrides: [UserID: Quota.Overrides] = [:]
        var onlyUser: UserID?
    }

    private let store: any MetadataStore
    private let standard: Quota
    /// That of the only user.
    private let freed: Quota
    private let freesOnlyUser: Bool
    private let state = Mutex(State())
    private let clock: any Clock
    private let rates = Mutex(
        (calls: RateLimiter<Namespace>(capacity: ratedLimit), deploys: RateLimiter<Namespace>(capacity: ratedLimit)))
    private let strangers = Mutex(RateLimiter<Stranger>(capacity: strangerLimit))

    init(store: any MetadataStore, clock: any Clock, settings: SystemSettings) {
        self.store = store
        self.clock = clock
        standard = settings.quota
        freed = settings.quota.freed
        freesOnlyUser = settings.freesOnlyUser
    }

    /// The quota of a user, and of its namespace, which has the same identifier.
    public func quota(of user: UserID) -> Quota {
        let (overrides, onlyUser) = state.withLock { ($0.overrides[user], $0.onlyUser) }
        let base = base(of: user, onlyUser)
        return overrides.map(base.replacing) ?? base
    }

    /// One value of that quota.
    private func limit(_ name: Quota.Name, of user: UserID) -> Int {
        let (override, onlyUser) = state.withLock {
            ($0.overrides.isEmpty ? nil : $0.overrides[user]?[name], $0.onlyUser)
        }
        return override ?? base(of: user, onlyUser)[name]
    }

    private func base(of user: UserID, _ onlyUser: UserID?) -> Quota {
        freesOnlyUser && onlyUser == user ? freed : standard
    }

    /// Counts a request to one of the namespace's functions.
    /// - Throws: `too_many_requests` when there are more a second than its quota.
    func countInvocation(of namespace: Namespace) throws(InvokError) {
        let limit = limit(.invocationsPerSecond, of: namespace)
        guard limit < Quota.unlimited else { return }
        let now = clock.now()
        let wait = rates.withLock { $0.calls.take(namespace, limit: limit, per: .seconds(1), now: now) }
        if let wait { throw Self.exceeded(.invocationsPerSecond, limit, wait) }
    }

    /// Counts a request that somebody without an account sends to a public function. Ask before `countInvocation`, so that
    /// who is turned away here spends nothing of the owner's quota.
    /// - Parameters:
    ///   - address: what strangers are told apart by.
    ///   - rate: how many a second one may send, by `Limits.ratePerCaller`; 0 for any number.
    /// - Throws: `too_many_requests`.
    func countStranger(_ address: String, of key: FunctionKey, rate: Int) throws(InvokError) {
        guard rate > 0 else { return }
        let (stranger, now) = (Stranger(function: key, address: address), clock.now())
        let wait = strangers.withLock {
            $0.take(stranger, limit: rate * Self.strangerBurst, per: .seconds(Self.strangerBurst), now: now)
        }
        guard let wait else { return }
        let seconds = Int(wait.components.seconds) + 1
        throw InvokError(
            .tooManyRequests,
            "the function's 'limits.ratePerCaller' is \(rate) (requests a second from one address without an account)",
            nextStep: "try again in \(seconds) s, or log in", retryAfterSeconds: seconds)
    }

    /// Counts a deploy, or a change that makes a new version, whatever becomes of it.
    /// - Throws: `too_many_requests` when there are more an hour than the namespace's quota.
    func countDeploy(of namespace: Namespace) throws(InvokError) {
        let (limit, now) = (quota(of: namespace)[.deploysPerHour], clock.now())
        guard limit < Quota.unlimited else { return }
        let wait = rates.withLock { $0.deploys.take(namespace, limit: limit, per: .seconds(3600), now: now) }
        if let wait { throw Self.exceeded(.deploysPerHour, limit, wait) }
    }

    private static func exceeded(_ name: Quota.Name, _ limit: Int, _ wait: Duration) -> InvokError {
        .rateExceeded(
            QuotaExcess(name, value: limit, used: limit), retryAfterSeconds: Int(wait.components.seconds) + 1)
    }

    /// Reads what operators have set.
    func refresh() async throws(StoreError) {
        let overrides = try await store.quotaOverrides()
        let onlyUser = freesOnlyUser ? try await store.onlyUser() : nil
        state.withLock { $0 = State(overrides: overrides, onlyUser: onlyUser) }
    }
}
