import Logging

/// Brings what runs in line with what should run: at start, and again at intervals, since messages get lost and
/// machines fail.
final class Recovery: Sendable {
    private let world: World
    private let settings: SystemSettings
    private let directory: Directory
    private let dispatcher: Dispatcher
    private let quotas: Quotas
    private let logger: Logger

    init(
        world: World, settings: SystemSettings, directory: Directory, dispatcher: Dispatcher, quotas: Quotas,
        logger: Logger
    ) {
        self.world = world
        self.settings = settings
        self.directory = directory
        self.dispatcher = dispatcher
        self.quotas = quotas
        self.logger = logger
    }

    /// Before the first request: half-done deploys are failed, functions that answer are known, and instances that an
    /// earlier core left are taken over before anything could start in their stead. Whether they answer is found out once
    /// requests come, and so are those stopped that belong to nothing.
    /// - Throws: `unavailable` when the store or the engine does not serve.
    func recover() async throws(InvokError) {
        let listed = try await list()
        try await storing { () throws(StoreError) in
            try await failHalfDone()
            try await quotas.refresh()
            try await directory.refreshAll { self.adopt(listed, by: $0) }
        }
    }

    /// Does what `recover` does at intervals until the task is cancelled.
    func run() async {
        await world.clock.every(settings.reconcileInterval) {
            do throws(StoreError) {
                try await failHalfDone()
                try await quotas.refresh()
                try await directory.refreshAll()
            } catch {
                logger.warning(
                    "the store does not answer; functions that are known go on", metadata: ["reason": "\(error)"])
            }
            do throws(InvokError) {
                try await sortInstances()
            } catch {
                logger.warning("the engine does not answer", metadata: ["reason": "\(error)"])
            }
        }
    }

    private func failHalfDone() async throws(StoreError) {
        for version in try await world.store.unfinishedVersions() {
            guard await !DeployLease.isHeld(version.key.function, in: world.cache) else { continue }
            try await world.store.failVersion(
                version.key, reason: "the server stopped during the deploy", buildLog: version.buildLog)
            logger.info("a half-done deploy was failed", metadata: ["version": "\(version.key)"])
        }
    }

    /// - Parameter versions: those that answer.
    private func adopt(_ listed: [RunningInstance], by versions: [Version]) {
        let wanted = Dictionary(versions.map { ($0.key, Int.max) }) { first, _ in first }
        let plan = Reconciliation.plan(listed: listed, expected: [], owned: [], wanted: wanted)
        dispatcher.adopt(plan.adopt, of: versions)
        dispatcher.remove(plan.stop)
    }

    private func sortInstances() async throws(InvokError) {
        // Before the list: one that becomes ready meanwhile is not in it and not lost, and one that ends meanwhile is in
        // it and nobody's no more.
        let (expected, before) = (dispatcher.ready, dispatcher.owned)
        let listed = try await list()
        let plan = Reconciliation.plan(
            listed: listed, expected: expected, owned: before.union(dispatcher.owned), wanted: dispatcher.rooms)
        // The engine's word of an end may have got lost, as between `recover` and `run`.
        for instance in plan.lost {
            logger.warning("an instance was lost", metadata: ["instance": "\(instance.id)"])
            dispatcher.lose(instance)
        }
        dispatcher.adopt(plan.adopt)
        dispatcher.remove(plan.stop)
    }

    private func list() async throws(InvokError) -> [RunningInstance] {
        do throws(EngineError) { return try await world.engine.list() } catch { throw .unavailable("engine: \(error)") }
    }
}
