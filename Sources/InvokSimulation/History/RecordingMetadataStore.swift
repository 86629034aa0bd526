public import Invok

/// Any store, with what it is asked about functions written into a history.
public struct RecordingMetadataStore: MetadataStore {
    private let store: any MetadataStore
    private let history: StoreHistory

    public init(_ store: any MetadataStore, into history: StoreHistory) {
        self.store = store
        self.history = history
    }

    private func record<Value>(
        _ call: FunctionModel.Call, about key: FunctionKey,
        _ body: () async throws(StoreError) -> Value, outcome: (Value) -> FunctionModel.Outcome
    ) async throws(StoreError) -> Value {
        let index = history.begin(call, about: key)
        do throws(StoreError) {
            let value = try await body()
            history.end(index, about: key, outcome(value))
            return value
        } catch {
            switch error {
            case .notFound: history.end(index, about: key, .notFound)
            case .conflict: history.end(index, about: key, .conflict)
            case .exceeded: history.withdraw(index, about: key)
            // It may or may not have happened, and nobody knows when.
            case .unavailable, .full: history.end(index, about: key, nil)
            }
            throw error
        }
    }

    private static func phase(_ version: Version) -> FunctionModel.Phase {
        switch version.state {
        case .building: .building
        case .ready: .ready
        case .failed: .failed
        }
    }

    // MARK: Functions

    public func function(_ key: FunctionKey) async throws(StoreError) -> Function? {
        try await record(.function, about: key) { () throws(StoreError) in
            try await store.function(key)
        } outcome: { function in
            function.map { .function(access: $0.access, active: $0.activeVersion) } ?? .noFunction
        }
    }

    /// One reading of each function that is known by now, all at the same time.
    public func activeFunctions() async throws(StoreError) -> [FunctionRecord] {
        let calls = history.keys.map { ($0, history.begin(.active, about: $0)) }
        do throws(StoreError) {
            let records = try await store.activeFunctions()
            let found = Dictionary(uniqueKeysWithValues: records.map { ($0.function.key, $0.function) })
            for (key, index) in calls {
                let outcome = found[key].map {
                    FunctionModel.Outcome.function(access: $0.access, active: $0.activeVersion)
                }
                history.end(index, about: key, outcome ?? .noFunction)
            }
            return records
        } catch {
            for (key, index) in calls { history.end(index, about: key, nil) }
            throw error
        }
    }

    public func setAccess(_ access: Access, of key: FunctionKey, at time: Timestamp) async throws(StoreError) {
        try await record(.setAccess(access), about: key) { () throws(StoreError) in
            try await store.setAccess(access, of: key, at: time)
        } outcome: {
            .done
        }
    }

    public func deleteFunction(_ key: FunctionKey) async throws(StoreError) {
        try await record(.delete, about: key) { () throws(StoreError) in
            try await store.deleteFunction(key)
        } outcome: {
            .done
        }
    }

    // MARK: Versions

    public func beginVersion(
        _ draft: VersionDraft, access: Access, within quota: Quota
    ) async throws(StoreError) -> Version {
        try await record(.begin(access), about: draft.function) { () throws(StoreError) in
            try await store.beginVersion(draft, access: access, within: quota)
        } outcome: {
            .number($0.key.number)
        }
    }

    public func activateBuilt(
        _ version: VersionKey, as built: BuiltVersion, expectedActive: Int?, access: Access?, within quota: Quota,
        at time: Timestamp
    ) async throws(StoreError) {
        let call = FunctionModel.Call.activateBuilt(version.number, expectedActive: expectedActive, access: access)
        try await record(call, about: version.function) { () throws(StoreError) in
            try await store.activateBuilt(
                version, as: built, expectedActive: expectedActive, access: access, within: quota, at: time)
        } outcome: {
            .done
        }
    }

    public func activate(_ version: VersionKey, expectedActive: Int?, at time: Timestamp) async throws(StoreError) {
        let call = FunctionModel.Call.activate(version.number, expectedActive: expectedActive)
        try await record(call, about: version.function) { () throws(StoreError) in
            try await store.activate(version, expectedActive: expectedActive, at: time)
        } outcome: {
            .done
        }
    }

    public func failVersion(_ version: VersionKey, reason: String, buildLog: String) async throws(StoreError) {
        try await record(.fail(version.number), about: version.function) { () throws(StoreError) in
            try await store.failVersion(version, reason: reason, buildLog: buildLog)
        } outcome: {
            .done
        }
    }

    public func version(_ key: VersionKey) async throws(StoreError) -> Version? {
        try await record(.version(key.number), about: key.function) { () throws(StoreError) in
            try await store.version(key)
        } outcome: { version in
            version.map { .version(Self.phase($0)) } ?? .noVersion
        }
    }

    public func versions(of key: FunctionKey) async throws(StoreError) -> [Version] {
        try await record(.versions, about: key) { () throws(StoreError) in
            try await store.versions(of: key)
        } outcome: { versions in
            .versions(Dictionary(uniqueKeysWithValues: versions.map { ($0.key.number, Self.phase($0)) }))
        }
    }

    public func removeVersion(_ version: VersionKey) async throws(StoreError) -> Bool {
        try await record(.remove(version.number), about: version.function) { () throws(StoreError) in
            try await store.removeVersion(version)
        } outcome: {
            $0 ? .done : .noVersion
        }
    }

    // MARK: What is about more than one function, or none, is passed on

    public func createUser(_ user: User) async throws(StoreError) -> User { try await store.createUser(user) }
    public func user(_ id: UserID) async throws(StoreError) -> User? { try await store.user(id) }
    public func user(withEmail email: Email) async throws(StoreError) -> User? {
        try await store.user(withEmail: email)
    }
    public func updateUser(_ user: User) async throws(StoreError) { try await store.updateUser(user) }
    public func onlyUser() async throws(StoreError) -> UserID? { try await store.onlyUser() }
    public func setQuota(_ name: Quota.Name, of user: UserID, to value: Int?) async throws(StoreError) {
        try await store.setQuota(name, of: user, to: value)
    }
    public func quotaOverrides() async throws(StoreError) -> [UserID: Quota.Overrides] {
        try await store.quotaOverrides()
    }
    public func usage(of namespace: Namespace) async throws(StoreError) -> StoredUsage {
        try await store.usage(of: namespace)
    }
    public func disabledUsers() async throws(StoreError) -> Set<UserID> { try await store.disabledUsers() }
    public func putGrant(_ grant: Grant) async throws(StoreError) { try await store.putGrant(grant) }
    public func removeGrant(namespace: Namespace, user: UserID) async throws(StoreError) {
        try await store.removeGrant(namespace: namespace, user: user)
    }
    public func grant(namespace: Namespace, user: UserID) async throws(StoreError) -> Grant? {
        try await store.grant(namespace: namespace, user: user)
    }
    public func grants(namespace: Namespace) async throws(StoreError) -> [Grant] {
        try await store.grants(namespace: namespace)
    }
    public func functions(in namespace: Namespace) async throws(StoreError) -> [FunctionRecord] {
        try await store.functions(in: namespace)
    }
    public func unfinishedVersions() async throws(StoreError) -> [Version] { try await store.unfinishedVersions() }
    public func expiredVersions(_ retention: Retention, limit: Int) async throws(StoreError) -> [VersionKey] {
        try await store.expiredVersions(retention, limit: limit)
    }
    public func references() async throws(StoreError) -> StoreReferences { try await store.references() }
    public func restart(_ key: FunctionKey) async throws(StoreError) { try await store.restart(key) }
    public func putSecret(_ secret: StoredSecret, within quota: Quota) async throws(StoreError) {
        try await store.putSecret(secret, within: quota)
    }
    public func removeSecret(_ key: SecretKey) async throws(StoreError) { try await store.removeSecret(key) }
    public func secrets(in namespace: Namespace) async throws(StoreError) -> [StoredSecret] {
        try await store.secrets(in: namespace)
    }
    public func secrets(
        of key: FunctionKey, for purpose: SecretKey.Purpose
    ) async throws(StoreError) -> [StoredSecret] {
        try await store.secrets(of: key, for: purpose)
    }
    public func check() async throws(StoreError) { try await store.check() }
}
