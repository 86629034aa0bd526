import InvokConcurrency
import Logging

/// Makes versions active, new and old ones.
///
/// The old version serves until the new one has been built and has answered. Whatever fails leaves the old one active.
final class Releases: Sendable {
    static let logLinesInError = 50
    /// Of each of them, in characters: an error is read on a terminal.
    private static let logLineInError = 4096

    private let world: World
    private let settings: SystemSettings
    private let directory: Directory
    private let dispatcher: Dispatcher
    private let changes: ChangeFeed
    private let builds: Admission
    private let quotas: Quotas
    private let reserve: DiskReserve
    private let pins: Pins
    private let bell: Collector.Bell
    private let logger: Logger

    init(
        world: World, settings: SystemSettings, directory: Directory, dispatcher: Dispatcher, changes: ChangeFeed,
        builds: Admission, quotas: Quotas, reserve: DiskReserve, pins: Pins, bell: Collector.Bell, logger: Logger
    ) {
        self.world = world
        self.settings = settings
        self.directory = directory
        self.dispatcher = dispatcher
        self.changes = changes
        self.builds = builds
        self.quotas = quotas
        self.reserve = reserve
        self.pins = pins
        self.bell = bell
        self.logger = logger
    }

    /// Stores, builds, tries and activates a version.
    /// - Parameters:
    ///   - archive: `nil` when it is stored already.
    ///   - given: sets the function's access; `nil` leaves it as it is.
    ///   - onLine: is called with what the build prints, as it comes.
    func release(
        _ source: SourceArchive, storing archive: (any ByteSource)? = nil, as draft: VersionDraft,
        access given: Access?, onLine: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws(InvokError) -> Deployment {
        let (store, quota) = (world.store, quotas.quota(of: draft.function.namespace))
        let before = try await storing { () throws(StoreError) in try await store.function(draft.function) }
        let access = given ?? before?.access ?? settings.defaultAccess
        let items = items(of: draft)
        await pins.hold(items)
        defer {
            pins.release(items)
            // What it has replaced, or what of it has failed, may be kept no longer.
            bell.ring()
        }
        // Others may have filled the disk while this one waited.
        try await reserve.check()
        // From here on a version is there that must not stay half done, whether or not somebody waits for the answer.
        let begun = try await shielded { () throws(InvokError) in
            try await storing { () throws(StoreError) in
                try await store.beginVersion(draft, access: access, within: quota)
            }
        }
        var version = begun
        do throws(InvokError) {
            // After a version names it: another core may be removing what none names.
            if let archive { try await keep(archive) }
            let built = try await build(source, draft.artifact, of: draft.function, onLine)
            version.state = .ready(bundle: built.bundle)
            version.buildLog = built.log
            try await tryOut(version, generation: before?.restarts ?? 0)
            let tried = version
            return try await shielded { () throws(InvokError) in
                try await self.activate(tried, built, expectedActive: before?.activeVersion, access: given)
                return await self.finish(tried, access) { known in
                    Route(
                        access: given ?? known?.access ?? access, version: tried,
                        restarts: known?.restarts ?? before?.restarts ?? 0)
                }
            }
        } catch {
            retireUnlessActive(begun.key)
            await shielded { await self.markFailed(begun.key, error) }
            throw error
        }
    }

    /// Tries and activates a version that was ready before.
    func reactivate(_ target: Version, of function: Function) async throws(InvokError) -> Deployment {
        do throws(InvokError) {
            try await tryOut(target, generation: function.restarts)
            return try await shielded { () throws(InvokError) in
                try await self.activate(target, expectedActive: function.activeVersion)
                return await self.finish(target, function.access) { known in
                    known.map { Route(access: $0.access, version: target, restarts: $0.restarts) }
                }
            }
        } catch {
            retireUnlessActive(target.key)
            throw error
        }
    }

    /// Changes the access in place.
    func setAccess(_ access: Access, of active: Version) async throws(InvokError) -> Deployment {
        let key = active.key.function
        try await storing { () throws(StoreError) in
            try await world.store.setAccess(access, of: key, at: world.clock.wallTime())
        }
        return await finish(active, access) { known in
            known.map { Route(access: access, version: $0.version, restarts: $0.restarts) }
        }
    }

    // MARK: Its parts

    /// What a version needs before the store names it.
    private func items(of draft: VersionDraft) -> [Pins.Item] {
        let artifact = draft.artifact.asBuilt(in: draft.function.namespace)
        return [
            .archive(draft.artifact), .log(draft.function),
            .bundle(world.builder.bundle(of: artifact, for: draft.settings.runtime)),
        ]
    }

    private func keep(_ archive: any ByteSource) async throws(InvokError) {
        do throws(ArtifactError) { _ = try await world.artifacts.put(archive) } catch { throw InvokError(error) }
    }

    private func build(
        _ source: SourceArchive, _ artifact: Digest, of key: FunctionKey, _ onLine: @escaping @Sendable (String) -> Void
    ) async throws(InvokError) -> BuildResult {
        try await builds.run(for: key.namespace) { () throws(InvokError) in
            try await Builds(world).build(source, artifact, of: key, onLine: onLine)
        }
    }

    /// What was only tried goes. A version may have become active all the same, when the store did what it reported as
    /// failed and `Recovery` saw it first.
    private func retireUnlessActive(_ version: VersionKey) {
        guard directory.known(version.function)?.version.key != version else { return }
        dispatcher.retire(version)
    }

    /// Starts one instance and sees it answer.
    private func tryOut(_ version: Version, generation: Int) async throws(InvokError) {
        let began = world.clock.wallTime()
        dispatcher.open(version, generation: generation)
        do throws(Dispatcher.Failure) {
            let place = try await dispatcher.acquire(version.key, failsFast: true)
            dispatcher.release(place, .answered)
        } catch .rejected(.failing(let reason, _)) {
            let log = await startLog(of: version.key.function, since: began)
            throw InvokError(
                .startFailed,
                "the function was built, but did not start: \(log.flatMap(Self.sentence(in:)) ?? reason)",
                nextStep: "correct it and deploy again", buildLog: log)
        } catch .cancelled {
            throw .unavailable("the deploy was cancelled")
        } catch .rejected(.noRoom(let obstacle)) {
            throw InvokError(obstacle)
        } catch {
            throw InvokError(
                .noCapacity, "there is no room to start the new version", nextStep: "try again", retryAfterSeconds: 5)
        }
    }

    /// What the function wrote while it did not start.
    private func startLog(of key: FunctionKey, since: Timestamp) async -> String? {
        do throws(LogError) {
            let entries = try await world.logs.lines(of: key, since: since, limit: Self.logLinesInError)
            return entries.map { String($0.line.text.prefix(Self.logLineInError)) }.joined(separator: "\n")
        } catch {
            return nil
        }
    }

    /// Why the function cannot be served, as Invok's part of an instance says it: in a line that starts with `invok: `.
    private static func sentence(in log: String) -> String? {
        let mark = "invok: "
        return log.split(whereSeparator: \.isNewline).last { $0.hasPrefix(mark) }.map {
            String($0.dropFirst(mark.count))
        }
    }

    private func activate(_ target: Version, expectedActive: Int?) async throws(InvokError) {
        do throws(StoreError) {
            try await world.store.activate(target.key, expectedActive: expectedActive, at: world.clock.wallTime())
        } catch {
            try await settle(target, after: error)
        }
    }

    private func activate(
        _ version: Version, _ built: BuildResult, expectedActive: Int?, access: Access?
    ) async throws(InvokError) {
        do throws(StoreError) {
            try await world.store.activateBuilt(
                version.key,
                as: BuiltVersion(bundle: built.bundle, bundleBytes: built.bytes, buildLog: built.log),
                expectedActive: expectedActive, access: access,
                within: quotas.quota(of: version.key.function.namespace), at: world.clock.wallTime())
        } catch {
            try await settle(version, after: error)
        }
    }

    /// A store that failed may have done what it was asked: returns if it did.
    private func settle(_ version: Version, after error: StoreError) async throws(InvokError) {
        guard case .unavailable = error else { throw InvokError(error) }
        let function = try await storing { () throws(StoreError) in
            try await world.store.function(version.key.function)
        }
        guard function?.activeVersion == version.key.number else { throw InvokError(error) }
    }

    private func markFailed(_ version: VersionKey, _ error: InvokError) async {
        do throws(StoreError) {
            try await world.store.failVersion(version, reason: error.message, buildLog: error.buildLog ?? "")
        } catch {
            // Recovery finds it and finishes this.
            logger.warning(
                "a failed version was not marked", metadata: ["version": "\(version)", "reason": "\(error)"])
        }
    }

    private func finish(_ version: Version, _ access: Access, made: (Route?) -> Route?) async -> Deployment {
        await changes.publish(version.key.function, into: directory, made: made)
        logger.info("a version became active", metadata: ["version": "\(version.key)"])
        return Deployment(version: version, access: access)
    }
}
