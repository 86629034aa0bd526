/// Users, functions, versions and grants, durable. Each call is one transaction: it happens whole or not at all.
///
/// What a call acknowledged is there after a crash. A call that throws `unavailable` may or may not have happened.
public protocol MetadataStore: Sendable {
    // MARK: Users

    /// Adds a user. The very first user of a store becomes `admin`, whatever role is given, so that a new installation
    /// has one.
    /// - Returns: the user as stored.
    /// - Throws: `conflict` when the email or the identifier is taken.
    func createUser(_ user: User) async throws(StoreError) -> User
    func user(_ id: UserID) async throws(StoreError) -> User?
    func user(withEmail email: Email) async throws(StoreError) -> User?
    /// Replaces the password hash, the role and whether the user is disabled.
    /// - Throws: `notFound`.
    func updateUser(_ user: User) async throws(StoreError)
    /// Every user who is disabled. Asked often, so it reads nothing else.
    func disabledUsers() async throws(StoreError) -> Set<UserID>

    /// The only user there is; `nil` for none, and for several.
    func onlyUser() async throws(StoreError) -> UserID?

    // MARK: Quotas

    /// Sets one value of a user's quota, or takes it back to the standard.
    /// - Parameter value: at least 0; `nil` for the standard.
    /// - Throws: `notFound` when the user does not exist.
    func setQuota(_ name: Quota.Name, of user: UserID, to value: Int?) async throws(StoreError)
    /// What was set, by user; users without are left out.
    func quotaOverrides() async throws(StoreError) -> [UserID: Quota.Overrides]
    /// What a namespace holds; nothing when there is none.
    func usage(of namespace: Namespace) async throws(StoreError) -> StoredUsage

    // MARK: Grants

    /// Adds the grant, or changes its role.
    /// - Throws: `notFound` when the user does not exist.
    func putGrant(_ grant: Grant) async throws(StoreError)
    func removeGrant(namespace: Namespace, user: UserID) async throws(StoreError)
    func grant(namespace: Namespace, user: UserID) async throws(StoreError) -> Grant?
    /// All grants of a namespace, by user.
    func grants(namespace: Namespace) async throws(StoreError) -> [Grant]

    // MARK: Functions

    func function(_ key: FunctionKey) async throws(StoreError) -> Function?
    /// The functions of a namespace with the version that is active in each, by name.
    func functions(in namespace: Namespace) async throws(StoreError) -> [FunctionRecord]
    /// Every function that has an active version, by key, with that version, whose build log is left out: this is asked
    /// often, of all there is.
    func activeFunctions() async throws(StoreError) -> [FunctionRecord]
    /// - Throws: `notFound`.
    func setAccess(_ access: Access, of key: FunctionKey, at time: Timestamp) async throws(StoreError)
    /// Counts that the function's running instances are to be replaced.
    /// - Throws: `notFound`.
    func restart(_ key: FunctionKey) async throws(StoreError)
    /// Removes the function, its versions and its own secrets. Numbers of its versions are not used again by a later
    /// function of the same name, so that nothing of the old one can be taken for the new one's.
    /// - Throws: `notFound`.
    func deleteFunction(_ key: FunctionKey) async throws(StoreError)

    // MARK: Versions

    /// Adds a version in the state `building` with the next number, and the function if there is none.
    /// - Parameters:
    ///   - access: for a new function.
    ///   - quota: what the namespace may hold then; of many at once none passes it.
    /// - Throws: `notFound` when the namespace's user does not exist; `exceeded` for `functions` and `storageMB`.
    func beginVersion(_ draft: VersionDraft, access: Access, within quota: Quota) async throws(StoreError) -> Version
    /// Makes a `building` version `ready` and the active one, together.
    /// - Parameters:
    ///   - expectedActive: the version that was active when the deploy began; another now is a conflict, so that a
    ///     slow deploy cannot undo a newer one.
    ///   - access: sets the function's access too, unless `nil`.
    ///   - quota: what the namespace may hold then.
    /// - Throws: `notFound`; `conflict` when the version is not `building` or another version became active;
    ///   `exceeded` for `storageMB`.
    func activateBuilt(
        _ version: VersionKey, as built: BuiltVersion, expectedActive: Int?, access: Access?, within quota: Quota,
        at time: Timestamp
    ) async throws(StoreError)
    /// Makes a `ready` version the active one: rollback.
    /// - Throws: `notFound`; `conflict` when the version is not `ready` or another version became active.
    func activate(_ version: VersionKey, expectedActive: Int?, at time: Timestamp) async throws(StoreError)
    /// Makes a `building` version `failed`. Does nothing to one that is not `building` or not there any more.
    func failVersion(_ version: VersionKey, reason: String, buildLog: String) async throws(StoreError)
    func version(_ key: VersionKey) async throws(StoreError) -> Version?
    /// The versions of a function, the newest first.
    func versions(of key: FunctionKey) async throws(StoreError) -> [Version]
    /// Every version in the state `building`, for recovery.
    func unfinishedVersions() async throws(StoreError) -> [Version]

    // MARK: Retention

    /// Versions that a policy does not keep, by key: of each function the ready ones behind the newest, and the failed ones
    /// that are old or behind many. The active version and those that are being built are never among them.
    /// - Parameters:
    ///   - retention: for users whose quota `versions` was not set.
    ///   - limit: at most so many.
    func expiredVersions(_ retention: Retention, limit: Int) async throws(StoreError) -> [VersionKey]
    /// Removes a version and its build log, unless it is the active one or is being built.
    /// - Returns: whether it was removed.
    func removeVersion(_ version: VersionKey) async throws(StoreError) -> Bool
    /// All functions, and the artifacts and bundles that any version names, for the removal of what is not among them.
    func references() async throws(StoreError) -> StoreReferences

    // MARK: Secrets

    /// Adds a secret, or replaces its value. The function that it belongs to need not be there yet.
    /// - Parameter quota: what the namespace may hold then.
    /// - Throws: `notFound` when the namespace's user does not exist; `exceeded` for `secrets`.
    func putSecret(_ secret: StoredSecret, within quota: Quota) async throws(StoreError)
    /// - Throws: `notFound`.
    func removeSecret(_ key: SecretKey) async throws(StoreError)
    /// The secrets of a namespace and of its functions, by key.
    func secrets(in namespace: Namespace) async throws(StoreError) -> [StoredSecret]
    /// What a function may have for a purpose: the secrets of its namespace and its own, by key.
    func secrets(of key: FunctionKey, for purpose: SecretKey.Purpose) async throws(StoreError) -> [StoredSecret]

    // MARK: Health

    /// Returns when the store serves and would take a write. Asked about once a second, so it leaves nothing behind.
    func check() async throws(StoreError)
}

extension MetadataStore {
    /// Whatever the quota: for tests.
    package func beginVersion(_ draft: VersionDraft, access: Access) async throws(StoreError) -> Version {
        try await beginVersion(draft, access: access, within: Quota().freed)
    }

    /// Whatever the quota: for tests.
    package func activateBuilt(
        _ version: VersionKey, bundle: BundleID, buildLog: String, expectedActive: Int?, access: Access?,
        at time: Timestamp
    ) async throws(StoreError) {
        try await activateBuilt(
            version, as: BuiltVersion(bundle: bundle, bundleBytes: 0, buildLog: buildLog),
            expectedActive: expectedActive, access: access, within: Quota().freed, at: time)
    }
}

/// What a build has made of a version.
public struct BuiltVersion: Hashable, Sendable {
    public let bundle: BundleID
    /// What the bundle takes on the disk, for the quota.
    public let bundleBytes: Int
    /// What the build printed, capped.
    public let buildLog: String

    public init(bundle: BundleID, bundleBytes: Int, buildLog: String) {
        self.bundle = bundle
        self.bundleBytes = bundleBytes
        self.buildLog = buildLog
    }
}

/// A version before it has a number.
public struct VersionDraft: Hashable, Sendable {
    public let function: FunctionKey
    public let artifact: Digest
    /// The archive's size, for the quota.
    public let artifactBytes: Int
    public let settings: VersionSettings
    public let createdBy: UserID
    public let createdAt: Timestamp

    public init(
        function: FunctionKey, artifact: Digest, artifactBytes: Int = 0, settings: VersionSettings, createdBy: UserID,
        createdAt: Timestamp
    ) {
        self.function = function
        self.artifact = artifact
        self.artifactBytes = artifactBytes
        self.settings = settings
        self.createdBy = createdBy
        self.createdAt = createdAt
    }
}

public struct StoreReferences: Hashable, Sendable {
    public let functions: Set<FunctionKey>
    public let artifacts: Set<Digest>
    public let bundles: Set<BundleID>

    public init(functions: Set<FunctionKey>, artifacts: Set<Digest>, bundles: Set<BundleID>) {
        self.functions = functions
        self.artifacts = artifacts
        self.bundles = bundles
    }
}

public enum StoreError: Error, Hashable, Sendable {
    /// What the call names does not exist.
    case notFound
    /// What the call wants contradicts what is stored; nothing was changed.
    case conflict(String)
    /// The namespace would hold more than it may; nothing was changed.
    case exceeded(QuotaExcess)
    /// The store cannot be reached or failed; the call may or may not have happened.
    case unavailable(String)
    /// No space is left; nothing was changed.
    case full
}
