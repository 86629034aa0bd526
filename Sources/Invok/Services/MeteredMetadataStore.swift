/// A decorator of the store: counts its calls, and how long they take.
struct MeteredMetadataStore: MetadataStore {
    private let store: any MetadataStore
    private let meter: PartMeter

    init(_ store: any MetadataStore, _ meter: PartMeter) {
        self.store = store
        self.meter = meter
    }

    private func measure<Success>(
        _ call: () async throws(StoreError) -> Success
    ) async throws(StoreError) -> Success {
        try await meter.measure(failing: Self.isFailure, call)
    }

    /// To say no is no failure.
    private static func isFailure(_ error: StoreError) -> Bool {
        switch error {
        case .unavailable, .full: true
        case .notFound, .conflict, .exceeded: false
        }
    }

    func createUser(_ user: User) async throws(StoreError) -> User {
        try await measure { () throws(StoreError) in try await store.createUser(user) }
    }

    func user(_ id: UserID) async throws(StoreError) -> User? {
        try await measure { () throws(StoreError) in try await store.user(id) }
    }

    func user(withEmail email: Email) async throws(StoreError) -> User? {
        try await measure { () throws(StoreError) in try await store.user(withEmail: email) }
    }

    func updateUser(_ user: User) async throws(StoreError) {
        try await measure { () throws(StoreError) in try await store.updateUser(user) }
    }

    func disabledUsers() async throws(StoreError) -> Set<UserID> {
        try await measure { () throws(StoreError) in try await store.disabledUsers() }
    }

    func onlyUser() async throws(StoreError) -> UserID? {
        try await measure { () throws(StoreError) in try await store.onlyUser() }
    }

    func setQuota(_ name: Quota.Name, of user: UserID, to value: Int?) async throws(StoreError) {
        try await measure { () throws(StoreError) in try await store.setQuota(name, of: user, to: value) }
    }

    func quotaOverrides() async throws(StoreError) -> [UserID: Quota.Overrides] {
        try await measure { () throws(StoreError) in try await store.quotaOverrides() }
    }

    func usage(of namespace: Namespace) async throws(StoreError) -> StoredUsage {
        try await measure { () throws(StoreError) in try await store.usage(of: namespace) }
    }

    func putGrant(_ grant: Grant) async throws(StoreError) {
        try await measure { () throws(StoreError) in try await store.putGrant(grant) }
    }

    func removeGrant(namespace: Namespace, user: UserID) async throws(StoreError) {
        try await measure { () throws(StoreError) in try await store.removeGrant(namespace: namespace, user: user) }
    }

    func grant(namespace: Namespace, user: UserID) async throws(StoreError) -> Grant? {
        try await measure { () throws(StoreError) in try await store.grant(namespace: namespace, user: user) }
    }

    func grants(namespace: Namespace) async throws(StoreError) -> [Grant] {
        try await measure { () throws(StoreError) in try await store.grants(namespace: namespace) }
    }

    func function(_ key: FunctionKey) async throws(StoreError) -> Function? {
        try await measure { () throws(StoreError) in try await store.function(key) }
    }

    func functions(in namespace: Namespace) async throws(StoreError) -> [FunctionRecord] {
        try await measure { () throws(StoreError) in try await store.functions(in: namespace) }
    }

    func activeFunctions() async throws(StoreError) -> [FunctionRecord] {
        try await measure { () throws(StoreError) in try await store.activeFunctions() }
    }

    func setAccess(_ access: Access, of key: FunctionKey, at time: Timestamp) async throws(StoreError) {
        try await measure { () throws(StoreError) in try await store.setAccess(access, of: key, at: time) }
    }

    func restart(_ key: FunctionKey) async throws(StoreError) {
        try await measure { () throws(StoreError) in try await store.restart(key) }
    }

    func deleteFunction(_ key: FunctionKey) async throws(StoreError) {
        try await measure { () throws(StoreError) in try await store.deleteFunction(key) }
    }

    func beginVersion(_ draft: VersionDraft, access: Access, within quota: Quota) async throws(StoreError) -> Version {
        try await measure { () throws(StoreError) in try await store.beginVersion(draft, access: access, within: quota)
        }
    }

    func activateBuilt(
        _ version: VersionKey, as built: BuiltVersion, expectedActive: Int?, access: Access?, within quota: Quota,
        at time: Timestamp
    ) async throws(StoreError) {
        try await measure { () throws(StoreError) in
            try await store.activateBuilt(
                version, as: built, expectedActive: expectedActive, access: access, within: quota, at: time)
        }
    }

    func activate(_ version: VersionKey, expectedActive: Int?, at time: Timestamp) async throws(StoreError) {
        try await measure { () throws(StoreError) in
            try await store.activate(version, expectedActive: expectedActive, at: time)
        }
    }

    func failVersion(_ version: VersionKey, reason: String, buildLog: String) async throws(StoreError) {
        try await measure { () throws(StoreError) in
            try await store.failVersion(version, reason: reason, buildLog: buildLog)
        }
    }

    func version(_ key: VersionKey) async throws(StoreError) -> Version? {
        try await measure { () throws(StoreError) in try await store.version(key) }
    }

    func versions(of key: FunctionKey) async throws(StoreError) -> [Version] {
        try await measure { () throws(StoreError) in try await store.versions(of: key) }
    }

    func unfinishedVersions() async throws(StoreError) -> [Version] {
        try await measure { () throws(StoreError) in try await store.unfinishedVersions() }
    }

    func expiredVersions(_ retention: Retention, limit: Int) async throws(StoreError) -> [VersionKey] {
        try await measure { () throws(StoreError) in try await store.expiredVersions(retention, limit: limit) }
    }

    func removeVersion(_ version: VersionKey) async throws(StoreError) -> Bool {
        try await measure { () throws(StoreError) in try await store.removeVersion(version) }
    }

    func references() async throws(StoreError) -> StoreReferences {
        try await measure { () throws(StoreError) in try await store.references() }
    }

    func putSecret(_ secret: StoredSecret, within quota: Quota) async throws(StoreError) {
        try await measure { () throws(StoreError) in try await store.putSecret(secret, within: quota) }
    }

    func removeSecret(_ key: SecretKey) async throws(StoreError) {
        try await measure { () throws(StoreError) in try await store.removeSecret(key) }
    }

    func secrets(in namespace: Namespace) async throws(StoreError) -> [StoredSecret] {
        try await measure { () throws(StoreError) in try await store.secrets(in: namespace) }
    }

    func secrets(of key: FunctionKey, for purpose: SecretKey.Purpose) async throws(StoreError) -> [StoredSecret] {
        try await measure { () throws(StoreError) in try await store.secrets(of: key, for: purpose) }
    }

    func check() async throws(StoreError) {
        try await measure { () throws(StoreError) in try await store.check() }
    }
}
