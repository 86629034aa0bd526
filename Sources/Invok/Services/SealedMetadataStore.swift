/// A decorator of the store: environments are sealed on their way in and opened on their way out, so that no store of any
/// kind, nor a copy of one, has a secret in it.
///
/// A version whose environment cannot be opened keeps it sealed: it is listed, but nothing starts it. One damaged row
/// must not keep all other functions from answering.
struct SealedMetadataStore: MetadataStore {
    private let store: any MetadataStore
    private let sealer: EnvironmentSealer

    init(_ store: any MetadataStore, sealer: EnvironmentSealer) {
        self.store = store
        self.sealer = sealer
    }

    private func open(_ version: Version) -> Version {
        guard let settings = sealer.open(version.settings, of: version.key.function) else { return version }
        return version.with(settings)
    }

    private func open(_ record: FunctionRecord) -> FunctionRecord {
        FunctionRecord(function: record.function, active: record.active.map(open))
    }

    // MARK: What has an environment

    func functions(in namespace: Namespace) async throws(StoreError) -> [FunctionRecord] {
        try await store.functions(in: namespace).map(open)
    }

    func activeFunctions() async throws(StoreError) -> [FunctionRecord] {
        try await store.activeFunctions().map(open)
    }

    func beginVersion(
        _ draft: VersionDraft, access: Access, within quota: Quota
    ) async throws(StoreError) -> Version {
        let sealed = VersionDraft(
            function: draft.function, artifact: draft.artifact, artifactBytes: draft.artifactBytes,
            settings: sealer.seal(draft.settings, of: draft.function), createdBy: draft.createdBy,
            createdAt: draft.createdAt)
        return open(try await store.beginVersion(sealed, access: access, within: quota))
    }

    func version(_ key: VersionKey) async throws(StoreError) -> Version? { try await store.version(key).map(open) }

    func versions(of key: FunctionKey) async throws(StoreError) -> [Version] {
        try await store.versions(of: key).map(open)
    }

    func unfinishedVersions() async throws(StoreError) -> [Version] {
        try await store.unfinishedVersions().map(open)
    }

    // MARK: What has none

    func createUser(_ user: User) async throws(StoreError) -> User { try await store.createUser(user) }

    func user(_ id: UserID) async throws(StoreError) -> User? { try await store.user(id) }

    func disabledUsers() async throws(StoreError) -> Set<UserID> { try await store.disabledUsers() }

    func user(withEmail email: Email) async throws(StoreError) -> User? { try await store.user(withEmail: email) }

    func updateUser(_ user: User) async throws(StoreError) { try await store.updateUser(user) }

    func onlyUser() async throws(StoreError) -> UserID? { try await store.onlyUser() }

    func setQuota(_ name: Quota.Name, of user: UserID, to value: Int?) async throws(StoreError) {
        try await store.setQuota(name, of: user, to: value)
    }

    func quotaOverrides() async throws(StoreError) -> [UserID: Quota.Overrides] { try await store.quotaOverrides() }

    func usage(of namespace: Namespace) async throws(StoreError) -> StoredUsage {
        try await store.usage(of: namespace)
    }

    func putGrant(_ grant: Grant) async throws(StoreError) { try await store.putGrant(grant) }

    func removeGrant(namespace: Namespace, user: UserID) async throws(StoreError) {
        try await store.removeGrant(namespace: namespace, user: user)
    }

    func grant(namespace: Namespace, user: UserID) async throws(StoreError) -> Grant? {
        try await store.grant(namespace: namespace, user: user)
    }

    func grants(namespace: Namespace) async throws(StoreError) -> [Grant] {
        try await store.grants(namespace: namespace)
    }

    func function(_ key: FunctionKey) async throws(StoreError) -> Function? { try await store.function(key) }

    func setAccess(_ access: Access, of key: FunctionKey, at time: Timestamp) async throws(StoreError) {
        try await store.setAccess(access, of: key, at: time)
    }

    func deleteFunction(_ key: FunctionKey) async throws(StoreError) { try await store.deleteFunction(key) }

    func activateBuilt(
        _ version: VersionKey, as built: BuiltVersion, expectedActive: Int?, access: Access?, within quota: Quota,
        at time: Timestamp
    ) async throws(StoreError) {
        try await store.activateBuilt(
            version, as: built, expectedActive: expectedActive, access: access, within: quota, at: time)
    }

    func activate(_ version: VersionKey, expectedActive: Int?, at time: Timestamp) async throws(StoreError) {
        try await store.activate(version, expectedActive: expectedActive, at: time)
    }

    func failVersion(_ version: VersionKey, reason: String, buildLog: String) async throws(StoreError) {
        try await store.failVersion(version, reason: reason, buildLog: buildLog)
    }

    func expiredVersions(_ retention: Retention, limit: Int) async throws(StoreError) -> [VersionKey] {
        try await store.expiredVersions(retention, limit: limit)
    }

    func removeVersion(_ version: VersionKey) async throws(StoreError) -> Bool {
        try await store.removeVersion(version)
    }

    func references() async throws(StoreError) -> StoreReferences { try await store.references() }

    func restart(_ key: FunctionKey) async throws(StoreError) { try await store.restart(key) }

    // MARK: What comes sealed

    func putSecret(_ secret: StoredSecret, within quota: Quota) async throws(StoreError) {
        try await store.putSecret(secret, within: quota)
    }

    func removeSecret(_ key: SecretKey) async throws(StoreError) { try await store.removeSecret(key) }

    func secrets(in namespace: Namespace) async throws(StoreError) -> [StoredSecret] {
        try await store.secrets(in: namespace)
    }

    func secrets(of key: FunctionKey, for purpose: SecretKey.Purpose) async throws(StoreError) -> [StoredSecret] {
        try await store.secrets(of: key, for: purpose)
    }

    func check() async throws(StoreError) { try await store.check() }
}

extension Version {
    /// The same version with other settings.
    func with(_ settings: VersionSettings) -> Version {
        Version(
            key: key, artifact: artifact, settings: settings, state: state, buildLog: buildLog, createdBy: createdBy,
            createdAt: createdAt)
    }
}
