public import Logging

/// The system without effects, made from a world: what the server runs, and what a simulation runs.
public final class InvokSystem: Sendable {
    public let accounts: Accounts
    public let registrations: Registrations
    public let functions: Functions
    public let deployments: Deployments
    public let invocations: Invocations
    public let logs: FunctionLogs
    public let secrets: Secrets
    public let statistics: Statistics
    public let quotas: Quotas
    public let uploads: Uploads
    public let world: World
    public let settings: SystemSettings
    /// What is counted of calls.
    package let calls: CallMeter

    let access: AccessControl
    let directory: Directory
    let dispatcher: Dispatcher
    let recovery: Recovery
    let collector: Collector
    let changes: ChangeFeed
    let revocations: Revocations
    let probe: ReadinessProbe
    let builds: Admission
    let parts: PartMeters

    public init(world: World, settings: SystemSettings = SystemSettings(), logger: Logger) {
        parts = PartMeters(clock: world.clock)
        calls = CallMeter(began: world.clock.wallTime())
        var world = parts.measure(world)
        world.store = SealedMetadataStore(world.store, sealer: world.sealer)
        self.world = world
        self.settings = settings
        quotas = Quotas(store: world.store, clock: world.clock, settings: settings)
        access = AccessControl(
            store: world.store, grants: GrantCache(store: world.store, clock: world.clock, logger: logger))
        revocations = Revocations(
            store: world.store, accounts: world.accounts, clock: world.clock, limit: settings.beliefLifetime,
            logger: logger)
        probe = ReadinessProbe(world: world)
        let reserve = DiskReserve(world.disk, percent: settings.minimumFreeDiskPercent)
        uploads = Uploads(spool: world.spool, reserve: reserve, settings: settings)
        builds = Admission(
            places: settings.concurrentBuilds, queueLimit: settings.deployQueueLimit, wait: settings.deployQueueWait,
            clock: world.clock
        ) { [quotas] in quotas.quota(of: $0)[.builds] }
        let (bundles, bell) = (Bundles(world: world, settings: settings, builds: builds), Collector.Bell())
        dispatcher = Dispatcher(
            world: world, settings: settings, quotas: quotas, bundles: bundles, bell: bell, calls: calls, logger: logger
        )
        collector = Collector(
            world: world, settings: settings, dispatcher: dispatcher, bundles: bundles, bell: bell, logger: logger)
        directory = Directory(store: world.store, dispatcher: dispatcher, clock: world.clock, logger: logger)
        changes = ChangeFeed(cache: world.cache, logger: logger)
        recovery = Recovery(
            world: world, settings: settings, directory: directory, dispatcher: dispatcher, quotas: quotas,
            logger: logger)
        registrations = Registrations(world: world, settings: settings)
        accounts = Accounts(
            world: world, settings: settings, registrations: registrations, revocations: revocations, quotas: quotas,
            logger: logger)
        functions = Functions(
            world: world, access: access, directory: directory, dispatcher: dispatcher, changes: changes, bell: bell)
        deployments = Deployments(
            world: world, settings: settings, access: access, functions: functions,
            releases: Releases(
                world: world, settings: settings, directory: directory, dispatcher: dispatcher, changes: changes,
                builds: builds, quotas: quotas, reserve: reserve, pins: bundles.pins, bell: bell, logger: logger),
            quotas: quotas)
        invocations = Invocations(
            world: world, accounts: accounts, access: access, directory: directory, dispatcher: dispatcher,
            quotas: quotas, logger: logger)
        logs = FunctionLogs(world: world, functions: functions)
        secrets = Secrets(world: world, access: access, quotas: quotas, directory: directory, changes: changes)
        statistics = Statistics(functions: functions, dispatcher: dispatcher, calls: calls, clock: world.clock)
    }

    /// Brings the system into a state in which it may answer requests. Call before `run`.
    /// - Throws: `unavailable` when the store or the engine does not serve.
    public func recover() async throws(InvokError) {
        changes.listen()
        try await storing { () throws(StoreError) in try await revocations.refresh() }
        try await recovery.recover()
        await probe.ask()
    }

    /// Runs instances and keeps the system in line with its store, until the task is cancelled.
    public func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.dispatcher.run() }
            group.addTask { await self.changes.follow(into: self.directory) }
            group.addTask { await self.directory.run() }
            group.addTask { await self.recovery.run() }
            group.addTask { await self.collector.run() }
            group.addTask { await self.revocations.run() }
            group.addTask { await self.access.grants.run() }
            group.addTask { await self.probe.run() }
            group.addTask {
                await self.calls.run(
                    clock: self.world.clock, directory: self.directory, dispatcher: self.dispatcher)
            }
        }
    }

    /// Whether each part serves, as it was heard last: costs nothing, however often it is asked for.
    public var readiness: Readiness { Readiness(parts: probe.failures, knowsFunctions: directory.knowsFunctions) }

    /// Whether this core answers for a function without asking the store.
    package func answersFromMemory(_ key: FunctionKey) -> Bool { directory.known(key) != nil }
}
