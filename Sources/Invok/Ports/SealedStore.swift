/// What the sealing of secrets keeps in the store and changes there. Each call is one transaction.
public protocol SealedStore: Sendable {
    /// Names this installation, whichever cores serve it: 16 hexadecimal digits, given once.
    func installation() async throws(StoreError) -> String
    /// How far the sealing is; `nil` when no core has begun it.
    func sealing() async throws(StoreError) -> Sealing?
    /// Compare and set.
    /// - Throws: `conflict` when it is not `expected` any more.
    func setSealing(_ sealing: Sealing, expected: Sealing?) async throws(StoreError)
    /// What is stored of the versions behind `version`, in the order of their keys.
    func storedVersions(after version: VersionKey?, limit: Int) async throws(StoreError) -> [StoredVersion]
    /// Puts other settings and another archive into a version, a ready one too. Compare and set.
    /// - Returns: `false` when the version is not as `old` says any more, or is gone.
    func replace(_ old: StoredVersion, by new: StoredVersion) async throws(StoreError) -> Bool
    /// What is stored of the secrets behind `key`, in the order of their keys.
    func storedSecrets(after key: SecretKey?, limit: Int) async throws(StoreError) -> [StoredSecret]
    /// Seals a secret anew. Compare and set.
    /// - Returns: `false` when the secret is not as `old` says any more, or is gone.
    func replace(_ old: StoredSecret, by new: SealedValue) async throws(StoreError) -> Bool
    /// Lets nothing that was replaced stay in the store's files, as far as the store can see to that.
    func compact() async throws(StoreError)
}

/// Which key the environments and secrets are sealed with, and whether all of them are.
public struct Sealing: Hashable, Sendable {
    /// The name of the key.
    public var keyName: String
    /// The name of the key that takes its place, while a rotation is going on.
    public var nextKeyName: String?
    /// Whether nothing is left that an Invok without sealing wrote.
    public var isComplete: Bool

    public init(keyName: String, nextKeyName: String? = nil, isComplete: Bool = false) {
        self.keyName = keyName
        self.nextKeyName = nextKeyName
        self.isComplete = isComplete
    }
}

/// The parts of a version that the sealing changes.
public struct StoredVersion: Hashable, Sendable {
    public let key: VersionKey
    public var artifact: Digest
    public var settings: VersionSettings

    public init(key: VersionKey, artifact: Digest, settings: VersionSettings) {
        self.key = key
        self.artifact = artifact
        self.settings = settings
    }
}
