import InvokConcurrency

/// What users change of their functions' code and settings: deploy, rollback, update; one change of a function at a time.
public final class Deployments: Sendable {
    private let world: World
    private let settings: SystemSettings
    private let access: AccessControl
    private let functions: Functions
    private let releases: Releases
    private let quotas: Quotas
    private let places: Admission
    private let secrets: SecretReader

    init(
        world: World, settings: SystemSettings, access: AccessControl, functions: Functions, releases: Releases,
        quotas: Quotas
    ) {
        self.world = world
        self.settings = settings
        self.access = access
        self.functions = functions
        self.releases = releases
        self.quotas = quotas
        secrets = SecretReader(world)
        places = Admission(
            places: settings.concurrentDeploys, queueLimit: settings.deployQueueLimit,
            wait: settings.deployQueueWait, clock: world.clock
        ) { quotas.quota(of: $0)[.uploads] }
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
    ///   - onLine: is called with what the build prints, line by line as it comes; must not wait.
    /// - Throws: `invalid_archive`, `invalid_config`, `payload_too_large`, `build_failed`, `start_failed`,
    ///   `deploy_in_progress`, `conflict`, `no_capacity`, `storage_full`, `unavailable`.
    public func deploy(
        archive: any ByteSource, fileName: String, namespace: Namespace?, access given: Access?,
        as principal: Principal, onLine: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws(InvokError) -> Deployment {
        let namespace = try await authorize(namespace, as: principal)
        try quotas.countDeploy(of: namespace)
        return try await places.run(for: namespace) { () throws(InvokError) in
            let source = try await read(archive, fileName: fileName)
            let (kept, digest) = try await world.archives.reading { () throws(InvokError) in
                let kept = try source.kept(archive)
                return (kept, try Digest(reading: kept))
            }
            return try await deploy(
                source, kept, digest, in: namespace, access: given, as: principal, onLine: onLine)
        }
    }

    private func deploy(
        _ source: SourceArchive, _ kept: any ByteSource, _ digest: Digest, in namespace: Namespace,
        access given: Access?, as principal: Principal, onLine: @escaping @Sendable (String) -> Void
    ) async throws(InvokError) -> Deployment {
        let config = source.config
        let key = FunctionKey(namespace: namespace, name: config.name)
        return try await exclusively(key) { () throws(InvokError) in
            let settings = VersionSettings(
                runtime: config.runtime, environment: config.environment, limits: config.limits,
                cors: config.cors, entry: config.entry, mount: config.mount, egress: config.egress,
                secrets: config.secrets)
            try await permit(settings.egress)
            // Before a build that could not be started.
            do throws(SecretReader.Failure) {
                _ = try await secrets.values(of: config.secrets, for: key)
            } catch {
                throw InvokError(error)
            }
            return try await releases.release(
                source, storing: kept, as: draft(key, digest, kept.count, settings, by: principal),
                access: given ?? config.access, onLine: onLine)
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
            try await permit(target.settings.egress)
            return try await releases.reactivate(target, of: record.function)
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
                return try await releases.setAccess(update.access ?? record.function.access, of: active)
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
            let secrets = active.settings.secrets ?? []
            try SecretReference.check(secrets, beside: environment)
            let settings = VersionSettings(
                runtime: active.settings.runtime, environment: environment, limits: limits,
                cors: active.settings.cors ?? [], entry: active.settings.entry, mount: active.settings.mount,
                egress: active.settings.egress ?? .nothing, secrets: secrets)
            try await permit(settings.egress)
            return try await places.run(for: key.namespace) { () throws(InvokError) in
                let (source, bytes) = try await world.source(of: active.artifact, limits: self.settings.archiveLimits)
                return try await releases.release(
                    source, as: draft(key, active.artifact, bytes, settings, by: principal), access: update.access)
            }
        }
    }

    // MARK: Egress

    /// Said before anything is built: what the operator does not allow, and what the machine cannot do.
    private func permit(_ egress: Egress?) async throws(InvokError) {
        guard let egress else { return }
        if let refusal = settings.egress.refusal(of: egress) { throw refusal }
        let obstacle: String?
        do throws(EngineError) { obstacle = try await world.engine.egressObstacle() } catch {
            throw .unavailable("\(error)")
        }
        guard let obstacle else { return }
        throw InvokError(
            .notImplemented, "'egress' in config.json asks for a network, which this server cannot give: \(obstacle)",
            nextStep: "take 'egress' out of config.json, or ask the operator")
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
