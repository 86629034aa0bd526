import Logging

/// Makes versions active: deploy, rollback, update.
///
/// The old version serves until the new one has been built and has answered. Whatever fails leaves the old one active.
public final class Deployments: Sendable {
    static let logLinesInError = 50

    private let world: World
    private let settings: SystemSettings
    private let access: AccessControl
    private let functions: Functions
    private let directory: Directory
    private let dispatcher: Dispatcher
    private let changes: ChangeFeed
    private let places: Admission
    private let builds: Admission
    private let quotas: Quotas
    private let reserve: DiskReserve
    private let pins: Pins
    private let bell: Collector.Bell
    private let logger: Logger

    init(
        world: World, settings: SystemSettings, access: AccessControl, functions: Functions, directory: Directory,
        dispatcher: Dispatcher, changes: ChangeFeed, quotas: Quotas, reserve: DiskReserve, builds: Admission,
        pins: Pins, bell: Collector.Bell, logger: Logger
    ) {
        self.world = world
        self.settings = settings
        self.access = access
        self.functions = functions
        self.directory = directory
        self.dispatcher = dispatcher
        self.changes = changes
        self.quotas = quotas
        self.reserve = reserve
        self.pins = pins
        self.bell = bell
        places = Admission(
            places: settings.concurrentDeploys, queueLimit: settings.deployQueueLimit,
            wait: settings.deployQueueWait, clock: world.clock
        ) { quotas.quota(of: $0)[.uploads] }
        self.builds = builds
        self.logger = logger
    }

    // MARK: Deploy

    /// Whether the caller may deploy into a namespace: ask before its archive is read.
    /// - Parameter namespace: `nil` for the caller's own.
    /// - Returns: the namespace.
    /// - Throws: `not_found` for a stranger, `forbidden` for a viewer, `unavailable`.
    public func authorize(_ namespace: Namespace?, as principal: Principal) async throws(InvokError) -> Namespace {
        let namespace = namespace ?? principal.namespace
        try await access.require(.change, in: namespace, of: principal)
        return namespace
    }

    /// Checks, builds, tries and activates what was uploaded.
    /// - Parameters:
    ///   - archive: a zip archive, all of it: who sends one slowly holds no place.
    ///   - fileName: `NAME.zip`, the function's name.
    ///   - namespace: `nil` for the caller's own.
    ///   - access: sets the function's access, whatever its configuration says.
    /// - Throws: `invalid_archive`, `invalid_config`, `payload_too_large`, `build_failed`, `start_failed`,
    ///   `deploy_in_progress`, `conflict`, `no_capacity`, `storage_full`, `unavailable`.
    public func deploy(
        archive: any ByteSource, fileName: String, namespace: Namespace?, access given: Access?,
        as principal: Principal
    ) async throws(InvokError) -> Deployment {
        let namespace = try await authorize(namespace, as: principal)
        try quotas.countDeploy(of: namespace)
        return try await places.run(for: namespace) { () throws(InvokError) in
            let source = try await read(archive, fileName: fileName)
            let (kept, digest) = try await world.archives.reading { () throws(InvokError) in
                let kept = try source.kept(archive)
                return (kept, try Digest(reading: kept))
            }
            return try await deploy(source, kept, digest, in: namespace, access: given, as: principal)
        }
    }

    private func deploy(
        _ source: SourceArchive, _ kept: any ByteSource, _ digest: Digest, in namespace: Namespace,
        access given: Access?, as principal: Principal
    ) async throws(InvokError) -> Deployment {
        let config = source.config
        let key = FunctionKey(namespace: namespace, name: config.name)
        return try await exclusively(key) { () throws(InvokError) in
            let settings = VersionSettings(
                runtime: config.runtime, environment: config.environment, limits: config.limits,
                cors: config.cors)
            return try await release(
                source, storing: kept, as: draft(key, digest, kept.count, settings, by: principal),
                access: given ?? config.access)
        }
    }

    private func read(_ archive: any ByteSource, fileName: String) async throws(InvokError) -> SourceArchive {
        let limits = settings.archiveLimits
        guard archive.count <= limits.archiveBytes else {
            throw InvokError(
                .payloadTooLarge, "the archive is \(archive.count) bytes; at most \(limits.archiveBytes) are allowed",
                nextStep: "leave out what the function does not need")
        }
        guard fileName.hasSuffix(".zip") else {
            throw .invalidArchive("the file '\(fileName.prefix(80))' is not named NAME.zip")
        }
        let name = try FunctionName(fileName.dropLast(4))
        let source = try await world.archives.source(of: archive, limits: limits)
        guard source.config.name == name else {
            throw .invalidConfig("config.json is for '\(source.config.name)', but the archive is named '\(fileName)'")
        }
        return source
    }

    // MARK: Rollback

    /// Activates an older version again.
    /// - Parameter number: `nil` for the newest ready version before the active one.
    public func rollback(
        _ key: FunctionKey, to number: Int?, as principal: Principal
    ) async throws(InvokError) -> Deployment {
        try await access.require(.change, in: key.namespace, of: principal)
        return try await exclusively(key) { () throws(InvokError) in
            let record = try await functions.function(key, as: principal)
            let versions = try await storing { () throws(StoreError) in try await world.store.versions(of: key) }
            let target = try Self.target(number, among: versions, active: record.function.activeVersion)
            do throws(InvokError) {
                try await tryOut(target)
                return try await shielded { () throws(InvokError) in
                    try await self.reactivate(target, expectedActive: record.function.activeVersion)
                    return await self.finish(target, record.function.access) { known in
                        known.map { Route(access: $0.access, version: target) }
                    }
                }
            } catch {
                retireUnlessActive(target.key)
                throw error
            }
        }
    }

    private func reactivate(_ target: Version, expectedActive: Int?) async throws(InvokError) {
        do throws(StoreError) {
            try await world.store.activate(target.key, expectedActive: expectedActive, at: world.clock.wallTime())
        } catch {
            try await settle(target, after: error)
        }
    }

    private static func target(_ number: Int?, among versions: [Version], active: Int?) throws(InvokError) -> Version {
        guard let number else {
            let older = versions.first { $0.key.number < (active ?? .max) && $0.bundle != nil }
            guard let older else {
                throw InvokError(
                    .conflict, "there is no older version to go back to", nextStep: "see 'invok versions'")
            }
            return older
        }
        guard let version = versions.first(where: { $0.key.number == number }) else {
            throw InvokError(.notFound, "there is no version \(number)", nextStep: "see 'invok versions'")
        }
        guard version.bundle != nil else {
            throw InvokError(.conflict, "version \(number) was never ready", nextStep: "see 'invok versions'")
        }
        guard number != active else {
            throw InvokError(.conflict, "version \(number) is the active one already")
        }
        return version
    }

    // MARK: Update

    /// Changes the access in place; a new environment or new limits make a new version of the same code.
    public func update(
        _ key: FunctionKey, _ update: FunctionUpdate, as principal: Principal
    ) async throws(InvokError) -> Deployment {
        try await access.require(.change, in: key.namespace, of: principal)
        return try await exclusively(key) { () throws(InvokError) in
            let record = try await functions.function(key, as: principal)
            guard let active = record.active else {
                throw InvokError(.conflict, "the function has no active version", nextStep: "deploy it first")
            }
            guard update.env != nil || update.limits != nil else {
                return try await setAccess(update.access ?? record.function.access, of: active)
            }
            try quotas.countDeploy(of: key.namespace)
            var environment = active.settings.environment
            if let env = update.env {
                environment = try Environment(env)
            } else if active.settings.sealed != nil {
                throw InvokError(
                    .conflict, "the environment of the active version cannot be opened",
                    nextStep: "give the whole environment, or deploy again")
            }
            var limits = active.settings.limits
            if let given = update.limits { limits = try Limits(given) }
            let settings = VersionSettings(
                runtime: active.settings.runtime, environment: environment, limits: limits,
                cors: active.settings.cors ?? [])
            return try await places.run(for: key.namespace) { () throws(InvokError) in
                let (source, bytes) = try await read(active.artifact)
                return try await release(
                    source, as: draft(key, active.artifact, bytes, settings, by: principal), access: update.access)
            }
        }
    }

    /// Reads the archive of a version again.
    /// - Returns: what is in it, and how large it is.
    private func read(_ artifact: Digest) async throws(InvokError) -> (source: SourceArchive, bytes: Int) {
        let archive: any ByteSource
        do throws(ArtifactError) {
            archive = try await world.artifacts.open(artifact)
        } catch {
            throw InvokError(error)
        }
        return (try await world.archives.source(of: archive, limits: settings.archiveLimits), archive.count)
    }

    private func setAccess(_ access: Access, of active: Version) async throws(InvokError) -> Deployment {
        let key = active.key.function
        try await storing { () throws(StoreError) in
            try await world.store.setAccess(access, of: key, at: world.clock.wallTime())
        }
        return await finish(active, access) { known in
            known.map { Route(access: access, version: $0.version) }
        }
    }

    // MARK: The way of every new version

    /// Stores, builds, tries and activates a version.
    /// - Parameter archive: `nil` when it is stored already.
    private func release(
        _ source: SourceArchive, storing archive: (any ByteSource)? = nil, as draft: VersionDraft, access given: Access?
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
            let built = try await build(source, draft.artifact, in: draft.function.namespace)
            version.state = .ready(bundle: built.bundle)
            version.buildLog = built.log
            try await tryOut(version)
            let tried = version
            return try await shielded { () throws(InvokError) in
                try await self.activate(tried, built, expectedActive: before?.activeVersion, access: given)
                return await self.finish(tried, access) { known in
                    Route(access: given ?? known?.access ?? access, version: tried)
                }
            }
        } catch {
            retireUnlessActive(begun.key)
            await shielded { await self.markFailed(begun.key, error) }
            throw error
        }
    }

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
        _ source: SourceArchive, _ artifact: Digest, in namespace: Namespace
    ) async throws(InvokError) -> BuildResult {
        try await builds.run(for: namespace) { () throws(InvokError) in
            do throws(BuildError) {
                return try await world.builder.build(source, artifact: artifact.asBuilt(in: namespace))
            } catch {
                throw InvokError(error)
            }
        }
    }

    /// What was only tried goes. A version may have become active all the same, when the store did what it reported as
    /// failed and `Recovery` saw it first.
    private func retireUnlessActive(_ version: VersionKey) {
        guard directory.known(version.function)?.version.key != version else { return }
        dispatcher.retire(version)
    }

    /// Starts one instance and sees it answer.
    private func tryOut(_ version: Version) async throws(InvokError) {
        let began = world.clock.wallTime()
        dispatcher.open(version)
        do throws(Dispatcher.Failure) {
            let place = try await dispatcher.acquire(version.key, failsFast: true)
            dispatcher.release(place, .answered)
        } catch .rejected(.failing(let reason, _)) {
            throw InvokError(
                .startFailed, "the function was built, but did not start: \(reason)",
                nextStep: "correct it and deploy again",
                buildLog: await startLog(of: version.key.function, since: began))
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
            return entries.map(\.line.text).joined(separator: "\n")
        } catch {
            return nil
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

    // MARK: One at a time

    /// Two deploys of one function at once would each undo the other; the second is told so. The store's check of the
    /// active version holds even when the lease is lost.
    private func exclusively(
        _ key: FunctionKey, _ body: () async throws(InvokError) -> Deployment
    ) async throws(InvokError) -> Deployment {
        let lease = DeployLease(
            cache: world.cache, key: key, holder: UUIDValue(randomness: world.randomness).description)
        guard await lease.acquire(for: settings.deployLease) else {
            throw InvokError(
                .deployInProgress, "another deploy of '\(key.name)' is going on",
                nextStep: "wait for it, then try again",
                retryAfterSeconds: 5)
        }
        do throws(InvokError) {
            let deployment = try await lease.extending(by: settings.deployLease, on: world.clock, body)
            await shielded { await lease.release() }
            return deployment
        } catch {
            await shielded { await lease.release() }
            throw error
        }
    }

    private func draft(
        _ key: FunctionKey, _ artifact: Digest, _ bytes: Int, _ settings: VersionSettings, by principal: Principal
    ) -> VersionDraft {
        VersionDraft(
            function: key, artifact: artifact, artifactBytes: bytes, settings: settings, createdBy: principal.user.id,
            createdAt: world.clock.wallTime())
    }
}
