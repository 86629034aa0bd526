public import Logging

/// The system without effects, made from a world: what the server runs, and what a simulation runs.
public final class InvokSystem: Sendable {
    public let accounts: Accounts
    public let functions: Functions
    public let deployments: Deployments
    public let invocations: Invocations
    public let logs: FunctionLogs
    public let quotas: Quotas
    /// Places for uploads: what reads one does so in such a place, or the archives would fill the memory.
    public let uploads: Admission
    public let world: World
    public let settings: SystemSettings

    let access: AccessControl
    let directory: Directory
    let dispatcher: Dispatcher
    let recovery: Recovery
    let changes: ChangeFeed

    public init(world: World, settings: SystemSettings = SystemSettings(), logger: Logger) {
        var world = world
        world.store = SealedMetadataStore(world.store, sealer: world.sealer)
        self.world = world
        self.settings = settings
        access = AccessControl(store: world.store)
        quotas = Quotas(store: world.store, settings: settings)
        uploads = Admission(
            places: settings.concurrentUploads, queueLimit: settings.deployQueueLimit, wait: settings.deployQueueWait,
            clock: world.clock)
        dispatcher = Dispatcher(world: world, settings: settings, logger: logger)
        directory = Directory(store: world.store, dispatcher: dispatcher)
        changes = ChangeFeed(cache: world.cache, logger: logger)
        recovery = Recovery(
            world: world, settings: settings, directory: directory, dispatcher: dispatcher, quotas: quotas,
            logger: logger)
        accounts = Accounts(world: world, settings: settings, logger: logger)
        functions = Functions(
            world: world, access: access, directory: directory, dispatcher: dispatcher, changes: changes)
        deployments = Deployments(
            world: world, settings: settings, access: access, functions: functions, directory: directory,
            dispatcher: dispatcher, changes: changes, quotas: quotas, logger: logger)
        invocations = Invocations(
            world: world, accounts: accounts, access: access, directory: directory, dispatcher: dispatcher,
            logger: logger)
        logs = FunctionLogs(world: world, functions: functions)
    }

    /// Brings the system into a state in which it may answer requests. Call before `run`.
    /// - Throws: `unavailable` when the store or the engine does not serve.
    public func recover() async throws(InvokError) {
        changes.listen()
        try await recovery.recover()
    }

    /// Runs instances and keeps the system in line with its store, until the task is cancelled.
    public func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.dispatcher.run() }
            group.addTask { await self.changes.follow(into: self.directory) }
            group.addTask { await self.recovery.run() }
        }
    }

    /// Asks each part whether it serves.
    public func readiness() async -> Readiness {
        var parts: [String: String?] = [:]
        do throws(StoreError) {
            try await world.store.check()
            parts.updateValue(nil, forKey: "store")
        } catch {
            parts["store"] = "\(error)"
        }
        do throws(CacheError) {
            try await world.cache.check()
            parts.updateValue(nil, forKey: "cache")
        } catch {
            parts["cache"] = "\(error)"
        }
        return Readiness(parts: parts, knowsFunctions: directory.knowsFunctions)
    }
}
