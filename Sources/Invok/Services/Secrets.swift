/// What users keep for their functions that nobody reads again: it is set, listed by name, and removed.
public final class Secrets: Sendable {
    private let world: World
    private let access: AccessControl
    private let quotas: Quotas
    private let directory: Directory
    private let changes: ChangeFeed

    init(world: World, access: AccessControl, quotas: Quotas, directory: Directory, changes: ChangeFeed) {
        self.world = world
        self.access = access
        self.quotas = quotas
        self.directory = directory
        self.changes = changes
    }

    /// Whether the caller may change secrets of a namespace: ask before a value is read.
    /// - Throws: `not_found` for a stranger, `forbidden` for a viewer, `unavailable`.
    public func authorize(_ namespace: Namespace, as principal: Principal) async throws(InvokError) {
        try await access.require(.change, in: namespace, of: principal)
    }

    /// Sets a secret, for the next instance or build of each function that has it.
    /// - Parameter restarts: whether the running instances of functions that have it are replaced now.
    /// - Returns: what is stored, and the functions whose instances are being replaced.
    /// - Throws: `not_found` for a stranger, `forbidden` for a viewer, `quota_exceeded`, `unavailable`.
    public func set(
        _ key: SecretKey, to value: SecretValue, restarts: Bool = false, as principal: Principal
    ) async throws(InvokError) -> (secret: StoredSecret, restarted: [FunctionName]) {
        try await authorize(key.namespace, as: principal)
        guard !restarts || key.purpose == .run else {
            throw .invalidRequest(
                "no instance has a secret of builds", nextStep: "leave out the restart, and deploy again")
        }
        let secret = StoredSecret(
            key: key, value: world.sealer.seal(value, of: key), changedAt: world.clock.wallTime())
        let quota = quotas.quota(of: key.namespace)
        try await storing { () throws(StoreError) in try await world.store.putSecret(secret, within: quota) }
        guard restarts else { return (secret, []) }
        let users = try await users(of: key)
        for name in users { try await replace(FunctionKey(namespace: key.namespace, name: name)) }
        return (secret, users)
    }

    /// The secrets of a namespace and of its functions, by key.
    public func list(_ namespace: Namespace, as principal: Principal) async throws(InvokError) -> [StoredSecret] {
        try await access.require(.read, in: namespace, of: principal)
        return try await storing { () throws(StoreError) in try await world.store.secrets(in: namespace) }
    }

    /// Removes a secret. Instances that have it keep it.
    /// - Parameter isForced: also where a function that answers needs it, and could not start any more.
    /// - Throws: `not_found`, `forbidden`, `conflict`, `unavailable`.
    public func remove(_ key: SecretKey, isForced: Bool, as principal: Principal) async throws(InvokError) {
        try await access.require(.change, in: key.namespace, of: principal)
        let secrets = try await storing { () throws(StoreError) in try await world.store.secrets(in: key.namespace) }
        guard secrets.contains(where: { $0.key == key }) else {
            let scope = key.function.map { "'\($0)' has" } ?? "the namespace has"
            throw InvokError(
                .notFound, "\(scope) no secret '\(key.name)'", nextStep: "see what there is with 'invok secret list'")
        }
        if !isForced, key.purpose == .run {
            // A function's own leaves the namespace's, if there is one.
            let isReplaced = key.function != nil && secrets.contains { $0.key == key.ofNamespace }
            let users = isReplaced ? [] : try await users(of: key)
            guard users.isEmpty else {
                throw InvokError(
                    .conflict, "'\(key.name)' is needed by \(users.map(\.description).joined(separator: ", "))",
                    nextStep: "deploy without it first, or remove it with --force: no new instance starts then")
            }
        }
        try await storing { () throws(StoreError) in try await world.store.removeSecret(key) }
    }

    /// Replaces the running instances of a function by new ones, without losing a request.
    public func restart(_ key: FunctionKey, as principal: Principal) async throws(InvokError) {
        try await access.require(.change, in: key.namespace, of: principal)
        try await replace(key)
    }

    private func replace(_ key: FunctionKey) async throws(InvokError) {
        try await storing { () throws(StoreError) in try await world.store.restart(key) }
        await changes.publish(key, into: directory) { known in
            known.map { Route(access: $0.access, version: $0.version, restarts: $0.restarts + 1) }
        }
    }

    /// The functions whose active version has this very secret.
    private func users(of key: SecretKey) async throws(InvokError) -> [FunctionName] {
        let (records, secrets) = try await storing { () throws(StoreError) in
            (try await world.store.functions(in: key.namespace), try await world.store.secrets(in: key.namespace))
        }
        let own = Set(secrets.map(\.key))
        return records.filter { record in
            let name = record.function.key.name
            guard record.active?.settings.secrets?.contains(where: { $0.name == key.name }) == true else {
                return false
            }
            let ofFunction = SecretKey(
                namespace: key.namespace, function: name, purpose: key.purpose, name: key.name)
            return key.function == nil ? !own.contains(ofFunction) : key.function == name
        }.map(\.function.key.name)
    }
}

extension SecretKey {
    /// The one of the namespace that a function's own goes before.
    fileprivate var ofNamespace: SecretKey { SecretKey(namespace: namespace, purpose: purpose, name: name) }
}
