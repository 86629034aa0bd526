import Invok
import Synchronization
import TestSupport

/// A store that fails, or is slow, where a test says so, and like a real one does not answer a cancelled task.
final class FaultyStore: MetadataStore {
    enum Fault: Sendable {
        /// Fails and does nothing.
        case refused
        /// Does it, and fails all the same.
        case applied
        case conflict
        /// Does it, and answers when the gate opens.
        case held(Gate)
    }

    private let base: any MetadataStore
    private let faults = Mutex<[String: Fault]>([:])
    private let away = Mutex(false)
    private let hanging = Mutex<Gate?>(nil)

    init(_ base: any MetadataStore) { self.base = base }

    /// From now on each such call; `nil` ends it.
    func set(_ call: String, _ fault: Fault?) { faults.withLock { $0[call] = fault } }

    /// Nothing answers.
    var isAway: Bool {
        get { away.withLock { $0 } }
        set { away.withLock { $0 = newValue } }
    }

    /// No call returns before the gate opens; `nil` ends it for those that come then.
    func hang(_ gate: Gate?) { hanging.withLock { $0 = gate } }

    private func perform<Value>(
        _ name: String, _ body: () async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        guard !isAway, !Task.isCancelled else { throw .unavailable("away") }
        if let gate = hanging.withLock({ $0 }) {
            await gate.pass()
            throw .unavailable("hung")
        }
        switch faults.withLock({ $0[name] }) {
        case nil: return try await body()
        case .refused: throw .unavailable("refused")
        case .conflict: throw .conflict("changed")
        case .applied:
            _ = try await body()
            throw .unavailable("applied")
        case .held(let gate):
            let value = try await body()
            await gate.pass()
            return value
        }
    }

    func createUser(_ user: User) async throws(StoreError) -> User {
        try await perform("createUser") { () throws(StoreError) in try await base.createUser(user) }
    }
    func user(_ id: UserID) async throws(StoreError) -> User? {
        try await perform("user") { () throws(StoreError) in try await base.user(id) }
    }
    func user(withEmail email: Email) async throws(StoreError) -> User? {
        try await perform("userWithEmail") { () throws(StoreError) in try await base.user(withEmail: email) }
    }
    func updateUser(_ user: User) async throws(StoreError) {
        try await perform("updateUser") { () throws(StoreError) in try await base.updateUser(user) }
    }
    func onlyUser() async throws(StoreError) -> UserID? {
        try await perform("onlyUser") { () throws(StoreError) in try await base.onlyUser() }
    }
    func setQuota(_ name: Quota.Name, of user: UserID, to value: Int?) async throws(StoreError) {
        try await perform("setQuota") { () throws(StoreError) in try await base.setQuota(name, of: user, to: value) }
    }
    func quotaOverrides() async throws(StoreError) -> [UserID: Quota.Overrides] {
        try await perform("quotaOverrides") { () throws(StoreError) in try await base.quotaOverrides() }
    }
    func usage(of namespace: Namespace) async throws(StoreError) -> StoredUsage {
        try await perform("usage") { () throws(StoreError) in try await base.usage(of: namespace) }
    }
    func disabledUsers() async throws(StoreError) -> Set<UserID> {
        try await perform("disabledUsers") { () throws(StoreError) in try await base.disabledUsers() }
    }
    func putGrant(_ grant: Grant) async throws(StoreError) {
        try await perform("putGrant") { () throws(StoreError) in try await base.putGrant(grant) }
    }
    func removeGrant(namespace: Namespace, user: UserID) async throws(StoreError) {
        try await perform("removeGrant") { () throws(StoreError) in
            try await base.removeGrant(namespace: namespace, user: user)
        }
    }
    func grant(namespace: Namespace, user: UserID) async throws(StoreError) -> Grant? {
        try await perform("grant") { () throws(StoreError) in try await base.grant(namespace: namespace, user: user) }
    }
    func grants(namespace: Namespace) async throws(StoreError) -> [Grant] {
        try await perform("grants") { () throws(StoreError) in try await base.grants(namespace: namespace) }
    }
    func function(_ key: FunctionKey) async throws(StoreError) -> Function? {
        try await perform("function") { () throws(StoreError) in try await base.function(key) }
    }
    func functions(in namespace: Namespace) async throws(StoreError) -> [FunctionRecord] {
        try await perform("functions") { () throws(StoreError) in try await base.functions(in: namespace) }
    }
    func activeFunctions() async throws(StoreError) -> [FunctionRecord] {
        try await perform("activeFunctions") { () throws(StoreError) in try await base.activeFunctions() }
    }
    func setAccess(_ access: Access, of key: FunctionKey, at time: Timestamp) async throws(StoreError) {
        try await perform("setAccess") { () throws(StoreError) in try await base.setAccess(access, of: key, at: time) }
    }
    func deleteFunction(_ key: FunctionKey) async throws(StoreError) {
        try await perform("deleteFunction") { () throws(StoreError) in try await base.deleteFunction(key) }
    }
    func beginVersion(
        _ draft: VersionDraft, access: Access, within quota: Quota
    ) async throws(StoreError) -> Version {
        try await perform("beginVersion") { () throws(StoreError) in
            try await base.beginVersion(draft, access: access, within: quota)
        }
    }
    func activateBuilt(
        _ version: VersionKey, as built: BuiltVersion, expectedActive: Int?, access: Access?, within quota: Quota,
        at time: Timestamp
    ) async throws(StoreError) {
        try await perform("activateBuilt") { () throws(StoreError) in
            try await base.activateBuilt(
                version, as: built, expectedActive: expectedActive, access: access, within: quota, at: time)
        }
    }
    func activate(_ version: VersionKey, expectedActive: Int?, at time: Timestamp) async throws(StoreError) {
        try await perform("activate") { () throws(StoreError) in
            try await base.activate(version, expectedActive: expectedActive, at: time)
        }
    }
    func failVersion(_ version: VersionKey, reason: String, buildLog: String) async throws(StoreError) {
        try await perform("failVersion") { () throws(StoreError) in
            try await base.failVersion(version, reason: reason, buildLog: buildLog)
        }
    }
    func version(_ key: VersionKey) async throws(StoreError) -> Version? {
        try await perform("version") { () throws(StoreError) in try await base.version(key) }
    }
    func versions(of key: FunctionKey) async throws(StoreError) -> [Version] {
        try await perform("versions") { () throws(StoreError) in try await base.versions(of: key) }
    }
    func unfinishedVersions() async throws(StoreError) -> [Version] {
        try await perform("unfinishedVersions") { () throws(StoreError) in try await base.unfinishedVersions() }
    }
    func expiredVersions(_ retention: Retention, limit: Int) async throws(StoreError) -> [VersionKey] {
        try await perform("expiredVersions") { () throws(StoreError) in
            try await base.expiredVersions(retention, limit: limit)
        }
    }
    func removeVersion(_ version: VersionKey) async throws(StoreError) -> Bool {
        try await perform("removeVersion") { () throws(StoreError) in try await base.removeVersion(version) }
    }
    func references() async throws(StoreError) -> StoreReferences {
        try await perform("references") { () throws(StoreError) in try await base.references() }
    }
    func restart(_ key: FunctionKey) async throws(StoreError) {
        try await perform("restart") { () throws(StoreError) in try await base.restart(key) }
    }
    func putSecret(_ secret: StoredSecret, within quota: Quota) async throws(StoreError) {
        try await perform("putSecret") { () throws(StoreError) in try await base.putSecret(secret, within: quota) }
    }
    func removeSecret(_ key: SecretKey) async throws(StoreError) {
        try await perform("removeSecret") { () throws(StoreError) in try await base.removeSecret(key) }
    }
    func secrets(in namespace: Namespace) async throws(StoreError) -> [StoredSecret] {
        try await perform("secrets") { () throws(StoreError) in try await base.secrets(in: namespace) }
    }
    func secrets(of key: FunctionKey, for purpose: SecretKey.Purpose) async throws(StoreError) -> [StoredSecret] {
        try await perform("secretsOfFunction") { () throws(StoreError) in
            try await base.secrets(of: key, for: purpose)
        }
    }
    func check() async throws(StoreError) {
        try await perform("check") { () throws(StoreError) in try await base.check() }
    }
}
