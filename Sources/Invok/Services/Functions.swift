/// What a namespace holds: reading and removing functions.
public final class Functions: Sendable {
    private let world: World
    private let access: AccessControl
    private let directory: Directory
    private let dispatcher: Dispatcher
    private let changes: ChangeFeed
    private let bell: Collector.Bell

    init(
        world: World, access: AccessControl, directory: Directory, dispatcher: Dispatcher, changes: ChangeFeed,
        bell: Collector.Bell
    ) {
        self.world = world
        self.access = access
        self.directory = directory
        self.dispatcher = dispatcher
        self.changes = changes
        self.bell = bell
    }

    /// The functions of a namespace, by name.
    /// - Parameter namespace: `nil` for the caller's own.
    public func list(
        _ namespace: Namespace?, as principal: Principal
    ) async throws(InvokError) -> [FunctionRecord] {
        let namespace = namespace ?? principal.namespace
        try await access.require(.read, in: namespace, of: principal)
        return try await storing { () throws(StoreError) in try await world.store.functions(in: namespace) }
    }

    public func function(_ key: FunctionKey, as principal: Principal) async throws(InvokError) -> FunctionRecord {
        try await access.require(.read, in: key.namespace, of: principal)
        return try await storing { () throws(StoreError) in
            guard let function = try await world.store.function(key) else { throw .notFound }
            guard let number = function.activeVersion else { return FunctionRecord(function: function, active: nil) }
            let active = try await world.store.version(VersionKey(function: key, number: number))
            return FunctionRecord(function: function, active: active)
        }
    }

    /// The versions, the newest first, and which of them answers.
    public func versions(
        of key: FunctionKey, as principal: Principal
    ) async throws(InvokError) -> [(version: Version, isActive: Bool)] {
        let record = try await function(key, as: principal)
        let versions = try await storing { () throws(StoreError) in try await world.store.versions(of: key) }
        return versions.map { ($0, $0.key.number == record.function.activeVersion) }
    }

    /// Removes the function, its versions and its log. Requests that it answers already are finished; then its archives
    /// and bundles go.
    public func delete(_ key: FunctionKey, as principal: Principal) async throws(InvokError) {
        try await access.require(.change, in: key.namespace, of: principal)
        try await storing { () throws(StoreError) in
            do throws(StoreError) {
                try await world.store.deleteFunction(key)
            } catch .unavailable(let reason) {
                // It may have done it all the same; then the function must not go on answering.
                guard try await world.store.function(key) == nil else { throw .unavailable(reason) }
            }
        }
        await changes.publish(key, into: directory) { _ in nil }
        bell.ring()
        do throws(LogError) { try await world.logs.remove(key) } catch { throw InvokError(error) }
    }

    /// What runs of the caller's functions.
    public func status(as principal: Principal) async throws(InvokError) -> [StatusMessage.FunctionStatus] {
        try await list(nil, as: principal).map { record in
            let load = dispatcher.load(of: record.function.key)
            return StatusMessage.FunctionStatus(
                name: record.function.key.name.description, version: record.function.activeVersion,
                instances: load.instances, requests: load.requests)
        }
    }
}
