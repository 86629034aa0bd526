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
    /// Removes the function and its versions. Numbers of its versions are not used again by a later function of the
    /// same name, so that nothing of the old one can be taken for the new one's.
    /// - Throws: `notFound`.
    func deleteFunction(_ key: FunctionKey) async throws(StoreError)

    // MARK: Versions

    /// Adds a version in the state `building` with the next number, and the function if there is none.
    /// - Parameter access: for a new function.
    /// - Throws: `notFound` when the namespace's user does not exist.
    func beginVersion(_ draft: VersionDraft, access: Access) async throws(StoreError) -> Version
    /// Makes a `building` version `ready` and the active one, together.
    /// - Parameters:
    ///   - expectedActive: the version that was active when the deploy began; another now is a conflict, so that a
    ///     slow deploy cannot undo a newer one.
    ///   - access: sets the function's access too, unless `nil`.
    /// - Throws: `notFound`; `conflict` when the version is not `building` or another version became active.
    func activateBuilt(
        _ version: VersionKey, bundle: BundleID, buildLog: String, expectedActive: Int?, access: Access?,
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
    /// Artifacts and bundles that any version names, for the removal of the others.
    func references() async throws(StoreError) -> StoreReferences

    // MARK: Health

    /// Reads and writes something. Returns when the store serves.
    func check() async throws(StoreError)
}

/// A version before it has a number.
public struct VersionDraft: Hashable, Sendable {
    public let function: FunctionKey
    public let artifact: Digest
    public let settings: VersionSettings
    public let createdBy: UserID
    public let createdAt: Timestamp

    public init(
        function: FunctionKey, artifact: Digest, settings: VersionSettings, createdBy: UserID, createdAt: Timestamp
    ) {
        self.function = function
        self.artifact = artifact
        self.settings = settings
        self.createdBy = createdBy
        self.createdAt = createdAt
    }
}

/// A function with its active version, read together.
public struct FunctionRecord: Hashable, Sendable {
    public let function: Function
    /// `nil` when no version has been ready yet.
    public let active: Version?

    public init(function: Function, active: Version?) {
        self.function = function
        self.active = active
    }
}

public struct StoreReferences: Hashable, Sendable {
    public let artifacts: Set<Digest>
    public let bundles: Set<BundleID>

    public init(artifacts: Set<Digest>, bundles: Set<BundleID>) {
        self.artifacts = artifacts
        self.bundles = bundles
    }
}

public enum StoreError: Error, Hashable, Sendable {
    /// What the call names does not exist.
    case notFound
    /// What the call wants contradicts what is stored; nothing was changed.
    case conflict(String)
    /// The store cannot be reached or failed; the call may or may not have happened.
    case unavailable(String)
    /// No space is left; nothing was changed.
    case full
}
