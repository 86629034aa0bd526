import Invok

/// What a `SimMetadataStore` holds. A value, so that a transaction can work on a copy.
package struct SimTables: Sendable {
    package var users: [UserID: User] = [:]
    var quotas: [UserID: Quota.Overrides] = [:]
    /// What the archives and bundles that versions name take.
    var artifactBytes: [Digest: Int] = [:]
    var bundleBytes: [BundleID: Int] = [:]
    package var grants: [Namespace: [UserID: Grant]] = [:]
    package var functions: [FunctionKey: Function] = [:]
    package var versions: [FunctionKey: [Int: Version]] = [:]
    /// The last number given to a version, kept when the function is deleted.
    var lastNumbers: [FunctionKey: Int] = [:]
    package var secrets: [SecretKey: StoredSecret] = [:]
    var sealing: Sealing?
    var invitations: [UUIDValue: Invitation] = [:]
    var sessions: [UUIDValue: LoginSession] = [:]
    var revocations: [RevocationRow] = []
    var lastEpoch = 0

    package var allVersions: [Version] { versions.values.flatMap(\.values) }

    package mutating func add(_ user: User) throws(StoreError) -> User {
        guard users[user.id] == nil else { throw .conflict("the identifier is taken") }
        guard !users.values.contains(where: { $0.email == user.email }) else { throw .conflict("the email is taken") }
        var stored = user
        if users.isEmpty { stored.role = .admin }
        users[user.id] = stored
        return stored
    }

    /// What a namespace holds, each archive and bundle once.
    package func usage(of namespace: Namespace) -> StoredUsage {
        let own = versions.filter { $0.key.namespace == namespace }.flatMap(\.value.values)
        let artifacts = Set(own.map(\.artifact)).reduce(0) { $0 + artifactBytes[$1, default: 0] }
        let bundles = Set(own.compactMap(\.bundle)).reduce(0) { $0 + bundleBytes[$1, default: 0] }
        return StoredUsage(
            functions: functions.keys.count { $0.namespace == namespace }, bytes: artifacts + bundles,
            secrets: secrets.keys.count { $0.namespace == namespace })
    }

    /// Makes a change, which counts for nothing when the namespace would hold too much.
    package mutating func hold<Value>(
        _ namespace: Namespace, within quota: Quota, _ change: (inout SimTables) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        let before = usage(of: namespace)
        let value = try change(&self)
        if let excess = quota.excess(from: before, to: usage(of: namespace)) { throw .exceeded(excess) }
        return value
    }

    /// Functions with their active versions, by key.
    package func records(where isWanted: (Function) -> Bool) -> [FunctionRecord] {
        functions.values.filter(isWanted).sorted { $0.key < $1.key }.map { function in
            FunctionRecord(
                function: function, active: function.activeVersion.flatMap { versions[function.key]?[$0] })
        }
    }

    package mutating func begin(_ draft: VersionDraft, access: Access) throws(StoreError) -> Version {
        guard users[draft.function.namespace] != nil else { throw .notFound }
        if functions[draft.function] == nil {
            functions[draft.function] = Function(
                key: draft.function, access: access, createdAt: draft.createdAt, updatedAt: draft.createdAt)
        }
        let number = lastNumbers[draft.function, default: 0] + 1
        lastNumbers[draft.function] = number
        let version = Version(
            key: VersionKey(function: draft.function, number: number), artifact: draft.artifact,
            settings: draft.settings, createdBy: draft.createdBy, createdAt: draft.createdAt)
        artifactBytes[draft.artifact] = draft.artifactBytes
        put(version)
        return version
    }

    package func version(_ key: VersionKey) throws(StoreError) -> Version {
        guard let version = versions[key.function]?[key.number] else { throw .notFound }
        return version
    }

    package mutating func put(_ version: Version) {
        versions[version.key.function, default: [:]][version.key.number] = version
    }

    package mutating func activate(
        _ version: VersionKey, expectedActive: Int?, access: Access?, at time: Timestamp
    ) throws(StoreError) {
        guard var function = functions[version.function] else { throw .notFound }
        guard function.activeVersion == expectedActive else { throw .conflict("another version became active") }
        function.activeVersion = version.number
        function.access = access ?? function.access
        function.updatedAt = time
        functions[version.function] = function
    }
}
