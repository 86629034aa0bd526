public import Invok
import Synchronization

/// Users, functions and versions in memory. It outlives a simulated core, as a database does.
public final class SimMetadataStore: MetadataStore {
    private let tables = Mutex(SimTables())
    private let effects: SimEffects
    private let connections: SimQueue?
    private let onCommit: @Sendable (FunctionKey, SimTables) -> Void
    let onSecret: @Sendable (SecretKey, StoredSecret?) -> Void

    public convenience init(effects: SimEffects = SimEffects()) {
        self.init(effects: effects) { _, _ in }
    }

    /// - Parameters:
    ///   - connections: of which each call takes one; `nil` for as many as are needed.
    ///   - onCommit: sees the tables after each transaction that may have changed a function, and must not call the
    ///     store.
    ///   - onSecret: sees each change of a secret, which is `nil` once it is gone.
    package init(
        effects: SimEffects, connections: SimQueue? = nil,
        onSecret: @escaping @Sendable (SecretKey, StoredSecret?) -> Void = { _, _ in },
        onCommit: @escaping @Sendable (FunctionKey, SimTables) -> Void
    ) {
        self.effects = effects
        self.connections = connections
        self.onCommit = onCommit
        self.onSecret = onSecret
    }

    /// The tables as they are now: for checkers, which are no part of the system.
    package var contents: SimTables { tables.withLock { $0 } }

    /// Each call is one transaction: it works on a copy that takes the place of the tables only when nothing was thrown.
    /// - Parameter changed: the function that it may change.
    func transaction<Value: Sendable>(
        _ name: String, _ detail: String, changing changed: FunctionKey? = nil,
        _ body: (inout SimTables) throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        try await effects.perform("store.\(name)", detail, at: connections, failure: StoreError.unavailable) {
            () throws(StoreError) in
            try tables.withLock { (tables) throws(StoreError) in
                var copy = tables
                let value = try body(&copy)
                tables = copy
                if let changed { onCommit(changed, copy) }
                return value
            }
        }
    }

    package func read<Value: Sendable>(
        _ name: String, _ detail: String = "", _ body: (SimTables) -> Value
    ) async throws(StoreError) -> Value {
        try await effects.perform("store.\(name)", detail, at: connections, failure: StoreError.unavailable) {
            () throws(StoreError) in
            tables.withLock { body($0) }
        }
    }

    // MARK: Users

    public func createUser(_ user: User) async throws(StoreError) -> User {
        try await transaction("createUser", "\(user.id)") { (tables) throws(StoreError) in try tables.add(user) }
    }

    public func user(_ id: UserID) async throws(StoreError) -> User? {
        try await read("user", "\(id)") { tables in tables.users[id] }
    }

    public func user(withEmail email: Email) async throws(StoreError) -> User? {
        try await read("userWithEmail", "\(email)") { tables in
            tables.users.values.first { $0.email == email }
        }
    }

    public func updateUser(_ user: User) async throws(StoreError) {
        try await transaction("updateUser", "\(user.id)") { (tables) throws(StoreError) in
            guard var stored = tables.users[user.id] else { throw .notFound }
            stored.passwordHash = user.passwordHash
            stored.role = user.role
            stored.isDisabled = user.isDisabled
            tables.users[user.id] = stored
        }
    }

    public func disabledUsers() async throws(StoreError) -> Set<UserID> {
        try await read("disabledUsers") { tables in Set(tables.users.values.filter(\.isDisabled).map(\.id)) }
    }

    public func onlyUser() async throws(StoreError) -> UserID? {
        try await read("onlyUser") { tables in tables.users.count == 1 ? tables.users.keys.first : nil }
    }

    // MARK: Quotas

    public func setQuota(_ name: Quota.Name, of user: UserID, to value: Int?) async throws(StoreError) {
        try await transaction("setQuota", "\(name) \(user)") { (tables) throws(StoreError) in
            guard tables.users[user] != nil else { throw .notFound }
            var own = tables.quotas[user, default: [:]]
            own[name] = value
            tables.quotas[user] = own.isEmpty ? nil : own
        }
    }

    public func quotaOverrides() async throws(StoreError) -> [UserID: Quota.Overrides] {
        try await read("quotaOverrides") { tables in tables.quotas }
    }

    public func usage(of namespace: Namespace) async throws(StoreError) -> StoredUsage {
        try await read("usage", "\(namespace)") { tables in tables.usage(of: namespace) }
    }

    // MARK: Grants

    /// Disables a user at once, as an operator does, with no core in between.
    package func disable(_ user: UserID) { tables.withLock { $0.users[user]?.isDisabled = true } }

    /// Puts a grant in at once, as an operator does, with no core in between.
    package func admit(_ grant: Grant) {
        tables.withLock { $0.grants[grant.namespace, default: [:]][grant.user] = grant }
    }

    public func putGrant(_ grant: Grant) async throws(StoreError) {
        try await transaction("putGrant", "\(grant.namespace) \(grant.user)") { (tables) throws(StoreError) in
            guard tables.users[grant.user] != nil else { throw .notFound }
            tables.grants[grant.namespace, default: [:]][grant.user] = grant
        }
    }

    public func removeGrant(namespace: Namespace, user: UserID) async throws(StoreError) {
        try await transaction("removeGrant", "\(namespace) \(user)") { (tables) throws(StoreError) in
            tables.grants[namespace]?[user] = nil
        }
    }

    public func grant(namespace: Namespace, user: UserID) async throws(StoreError) -> Grant? {
        try await read("grant", "\(namespace) \(user)") { tables in
            tables.grants[namespace]?[user]
        }
    }

    public func grants(namespace: Namespace) async throws(StoreError) -> [Grant] {
        try await read("grants", "\(namespace)") { tables in
            tables.grants[namespace, default: [:]].values.sorted { $0.user < $1.user }
        }
    }

    // MARK: Functions

    public func function(_ key: FunctionKey) async throws(StoreError) -> Function? {
        try await read("function", "\(key)") { tables in tables.functions[key] }
    }

    public func functions(in namespace: Namespace) async throws(StoreError) -> [FunctionRecord] {
        try await read("functions", "\(namespace)") { tables in
            tables.records { $0.key.namespace == namespace }
        }
    }

    public func activeFunctions() async throws(StoreError) -> [FunctionRecord] {
        try await read("activeFunctions") { tables in
            tables.records { $0.activeVersion != nil }.map { record in
                var active = record.active
                active?.buildLog = ""
                return FunctionRecord(function: record.function, active: active)
            }
        }
    }

    public func setAccess(_ access: Access, of key: FunctionKey, at time: Timestamp) async throws(StoreError) {
        try await transaction("setAccess", "\(key) \(access)", changing: key) { (tables) throws(StoreError) in
            guard var function = tables.functions[key] else { throw .notFound }
            function.access = access
            function.updatedAt = time
            tables.functions[key] = function
        }
    }

    public func restart(_ key: FunctionKey) async throws(StoreError) {
        try await transaction("restart", "\(key)") { (tables) throws(StoreError) in
            guard tables.functions[key] != nil else { throw .notFound }
            tables.functions[key]?.restarts += 1
        }
    }

    public func deleteFunction(_ key: FunctionKey) async throws(StoreError) {
        try await transaction("deleteFunction", "\(key)", changing: key) { (tables) throws(StoreError) in
            guard tables.functions.removeValue(forKey: key) != nil else { throw .notFound }
            tables.versions[key] = nil
            for own in tables.secrets.keys where own.namespace == key.namespace && own.function == key.name {
                tables.secrets[own] = nil
                onSecret(own, nil)
            }
        }
    }

    // MARK: Versions

    public func beginVersion(
        _ draft: VersionDraft, access: Access, within quota: Quota
    ) async throws(StoreError) -> Version {
        try await transaction("beginVersion", "\(draft.function)", changing: draft.function) {
            (tables) throws(StoreError) in
            try tables.hold(draft.function.namespace, within: quota) { (tables) throws(StoreError) in
                try tables.begin(draft, access: access)
            }
        }
    }

    public func activateBuilt(
        _ version: VersionKey, as built: BuiltVersion, expectedActive: Int?, access: Access?, within quota: Quota,
        at time: Timestamp
    ) async throws(StoreError) {
        try await transaction("activateBuilt", "\(version)", changing: version.function) {
            (tables) throws(StoreError) in
            var stored = try tables.version(version)
            guard stored.state == .building else { throw .conflict("version \(version.number) is not building") }
            stored.state = .ready(bundle: built.bundle)
            stored.buildLog = built.buildLog
            try tables.hold(version.function.namespace, within: quota) { (tables) throws(StoreError) in
                tables.bundleBytes[built.bundle] = built.bundleBytes
                tables.put(stored)
            }
            try tables.activate(version, expectedActive: expectedActive, access: access, at: time)
        }
    }

    public func activate(_ version: VersionKey, expectedActive: Int?, at time: Timestamp) async throws(StoreError) {
        try await transaction("activate", "\(version)", changing: version.function) { (tables) throws(StoreError) in
            guard try tables.version(version).bundle != nil else {
                throw .conflict("version \(version.number) is not ready")
            }
            try tables.activate(version, expectedActive: expectedActive, access: nil, at: time)
        }
    }

    public func failVersion(_ version: VersionKey, reason: String, buildLog: String) async throws(StoreError) {
        try await transaction("failVersion", "\(version)", changing: version.function) { (tables) throws(StoreError) in
            guard var stored = tables.versions[version.function]?[version.number], stored.state == .building else {
                return
            }
            stored.state = .failed(reason: reason)
            stored.buildLog = buildLog
            tables.put(stored)
        }
    }

    public func version(_ key: VersionKey) async throws(StoreError) -> Version? {
        try await read("version", "\(key)") { tables in
            tables.versions[key.function]?[key.number]
        }
    }

    public func versions(of key: FunctionKey) async throws(StoreError) -> [Version] {
        try await read("versions", "\(key)") { tables in
            tables.versions[key, default: [:]].values.sorted { $0.key > $1.key }
        }
    }

    public func unfinishedVersions() async throws(StoreError) -> [Version] {
        try await read("unfinishedVersions") { tables in
            tables.allVersions.filter { $0.state == .building }.sorted { $0.key < $1.key }
        }
    }

    // MARK: Health

    public func check() async throws(StoreError) {
        try await read("check") { _ in }
    }
}
