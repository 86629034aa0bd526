import InvokConcurrency
import Logging

/// Garbage collection: removes versions that are kept no longer, and archives, bundles and logs that nothing names.
///
/// Archives are shared with other cores, which may be deploying. A deploy names its archive before it stores it; what is
/// removed was without a name in two readings, a pause apart, so that a change which takes a name away and gives it back
/// (an update of a function that is deleted meanwhile) is shorter; and a store that several cores share removes no archive
/// that a version names by then. Bundles and logs are the machine's own, so what this core knows decides: nothing goes
/// that one of its deploys or starts holds (`Pins`), or that one of its instances runs.
final class Collector: Sendable {
    /// Between being told that something has become free and looking for it, and between two looks.
    static let pause = Duration.seconds(15)
    /// Between two looks when nobody has told anything.
    static let interval = Duration.seconds(600)
    /// Versions that go in one round.
    static let batch = 500

    /// Wakes the collector: an instance has ended, a version has failed, a function is gone.
    final class Bell: Sendable {
        private let rings = Broadcast<Int, Void>(buffer: 1)

        func ring() { rings.send((), on: 0) }

        /// The rings from now on.
        fileprivate var all: AsyncStream<Void> { rings.messages(on: 0) }
    }

    private let world: World
    private let settings: SystemSettings
    private let dispatcher: Dispatcher
    private let bundles: Bundles
    private let bell: Bell
    private let logger: Logger

    private var pins: Pins { bundles.pins }

    init(
        world: World, settings: SystemSettings, dispatcher: Dispatcher, bundles: Bundles, bell: Bell, logger: Logger
    ) {
        self.world = world
        self.settings = settings
        self.dispatcher = dispatcher
        self.bundles = bundles
        self.bell = bell
        self.logger = logger
    }

    /// Collects until the task is cancelled.
    func run() async {
        var suspects: Set<Pins.Item> = []
        while !Task.isCancelled {
            // Before the look: what becomes free during it is seen by the next one.
            let rings = bell.all
            var isDone = false
            do throws(InvokError) {
                isDone = try await collect(&suspects)
            } catch {
                logger.debug("nothing could be collected", metadata: ["reason": "\(error.inner ?? error.message)"])
            }
            if isDone, suspects.isEmpty { await wait(for: rings) }
            await sleep(Self.pause)
        }
    }

    private func wait(for rings: AsyncStream<Void>) async {
        let limit = world.clock.now().advanced(by: Self.interval)
        _ = await withDeadline(limit, on: world.clock) { () throws(Never) in for await _ in rings { return } }
    }

    private func sleep(_ duration: Duration) async {
        do throws(CancellationError) {
            try await world.clock.sleep(until: world.clock.now().advanced(by: duration))
        } catch {
            return
        }
    }

    /// One look.
    /// - Parameter suspects: what had no name in the look before; what of it still has none goes.
    /// - Returns: whether no version is left that should go.
    func collect(_ suspects: inout Set<Pins.Item>) async throws(InvokError) -> Bool {
        let isDone = try await removeExpiredVersions()
        pins.beginCollection()
        defer { pins.endCollection() }
        let unnamed = try await findUnnamed()
        for item in unnamed where suspects.contains(item) { await remove(item) }
        suspects = Set(unnamed)
        return isDone
    }

    private func removeExpiredVersions() async throws(InvokError) -> Bool {
        let expired = try await storing { () throws(StoreError) in
            try await world.store.expiredVersions(
                Retention(settings.quota, at: world.clock.wallTime()), limit: Self.batch)
        }
        var changing: [FunctionKey: Bool] = [:]
        for version in expired {
            if changing[version.function] == nil {
                changing[version.function] = await DeployLease.isHeld(version.function, in: world.cache)
            }
            // A rollback may be about to bring it back.
            if changing[version.function] == true { continue }
            let isRemoved = try await storing { () throws(StoreError) in
                try await world.store.removeVersion(version)
            }
            if isRemoved { logger.info("an old version was removed", metadata: ["version": "\(version)"]) }
        }
        return expired.isEmpty
    }

    /// What there is and has no name. The names are read after the lists: what has no name then is nobody's, but for what
    /// is held here.
    private func findUnnamed() async throws(InvokError) -> [Pins.Item] {
        var archives: Set<Digest> = []
        var bundles: Set<BundleID> = []
        var logs: Set<FunctionKey> = []
        do throws(ArtifactError) { archives = try await world.artifacts.list() } catch { throw InvokError(error) }
        do throws(BuildError) { bundles = try await world.builder.bundles() } catch { throw InvokError(error) }
        do throws(LogError) { logs = try await world.logs.functions() } catch { throw InvokError(error) }
        let named = try await storing { () throws(StoreError) in try await world.store.references() }
        archives.subtract(named.artifacts)
        bundles.subtract(named.bundles.union(self.bundles.substitutes(for: named.bundles)))
        logs.subtract(named.functions)
        return archives.sorted().map(Pins.Item.archive) + bundles.sorted().map(Pins.Item.bundle)
            + logs.sorted().map(Pins.Item.log)
    }

    /// Removes an item, unless it is held or in use. One that cannot be removed now stays a suspect.
    private func remove(_ item: Pins.Item) async {
        await pins.remove(item) {
            // Once nobody can take hold of it: whoever wants it from here on waits, and finds it gone.
            guard !isInUse(item) else { return }
            do throws(InvokError) {
                try await take(item)
                logger.info("something that nothing names was removed", metadata: ["item": "\(item)"])
            } catch {
                logger.warning(
                    "something that nothing names was not removed",
                    metadata: ["item": "\(item)", "reason": "\(error.inner ?? error.message)"])
            }
        }
    }

    private func isInUse(_ item: Pins.Item) -> Bool {
        switch item {
        case .archive: return false
        case .bundle(let bundle):
            let running = dispatcher.bundles
            return running.contains(bundle) || bundles.substitutes(for: running).contains(bundle)
        case .log(let function): return dispatcher.load(of: function).instances > 0
        }
    }

    private func take(_ item: Pins.Item) async throws(InvokError) {
        switch item {
        case .archive(let digest):
            do throws(ArtifactError) { try await world.artifacts.remove(digest) } catch { throw InvokError(error) }
        case .bundle(let bundle):
            bundles.forget(found: bundle)
            do throws(BuildError) { try await world.builder.remove(bundle) } catch { throw InvokError(error) }
        case .log(let function):
            do throws(LogError) { try await world.logs.remove(function) } catch { throw InvokError(error) }
        }
    }
}
