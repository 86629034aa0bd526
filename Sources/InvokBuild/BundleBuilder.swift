import Glibc
import Invok
import InvokConcurrency
import InvokPOSIX
import InvokRuntimes
import Logging

/// Builds bundles into a directory: what every builder on this machine does, wherever its builds run.
package final class BundleBuilder: Sendable {
    private let place: any BuildPlace
    private let deadlineSeconds: Int
    private let goCache: GoCacheKeeper
    private let installer: PackageInstaller
    private let builds = SingleFlight<BundleID, Result<BuildResult, BuildError>>()
    private let folders: BuildFolders

    /// - Parameter deadlineSeconds: the longest that one build may take.
    package init(place: any BuildPlace, deadlineSeconds: Int, logger: Logger) {
        self.place = place
        self.deadlineSeconds = deadlineSeconds
        goCache = GoCacheKeeper(place: place, logger: logger)
        folders = BuildFolders(directory: place.bundlesDirectory)
        installer = PackageInstaller(place: place, folders: folders)
    }

    package static func bundle(of artifact: Digest, runtime: Runtime) -> BundleID {
        let recipe = RuntimeSupport.of(runtime).recipeVersion
        return BundleID(Digest(of: "\(artifact)\n\(runtime.rawValue)\n\(recipe)".utf8))
    }

    package func build(
        _ source: SourceArchive, artifact: Digest, of namespace: Namespace, in context: BuildContext
    ) async throws(BuildError) -> BuildResult {
        let bundle = Self.bundle(of: artifact, runtime: source.config.runtime)
        let result = await builds.value(for: bundle) {
            do throws(BuildError) {
                return .success(try await self.make(bundle, from: source, of: namespace, in: context))
            } catch {
                return .failure(error)
            }
        }
        if Task.isCancelled { throw .cancelled }
        return try result.get()
    }

    package func bundles() async -> Set<BundleID> {
        let directory = place.bundlesDirectory
        return await place.onDisk { Set(Files.names(in: directory).compactMap { Digest($0).map(BundleID.init) }) }
    }

    package func remove(_ bundle: BundleID) async throws(BuildError) {
        let path = path(of: bundle)
        let quarantine = place.quarantine
        let failure = await place.onDisk { Self.failure { () throws(SystemError) in try quarantine.remove(path) } }
        if let failure { throw .unavailable(reason: "the bundle cannot be removed: \(failure)", nextStep: nil) }
    }

    /// Compiles Go's standard library if that has not been done on this machine, so that no person's first build waits
    /// for it. Builds do what they need of it themselves, or join what runs; call this once at start, in the background.
    package func warmUp() async {
        for part in GoBuildCache.Part.allCases { await goCache.need(part) }
    }

    // MARK: One build

    private func make(
        _ bundle: BundleID, from source: SourceArchive, of namespace: Namespace, in context: BuildContext
    ) async throws(BuildError) -> BuildResult {
        let destination = path(of: bundle)
        if Files.isDirectory(destination) { return await result(bundle, log: "") }
        let support = RuntimeSupport.of(source.config.runtime)
        let plans = try await place.disk.run { () throws(BuildError) in
            (install: try support.installPlan(for: source), build: try support.buildPlan(for: source))
        }
        let tool = try await place.tool(plans.build.command[0])
        if tool.name == "go" { await goCache.need(.template) }
        if Task.isCancelled { throw .cancelled }
        guard let install = plans.install, install.isJudge || place.registries != nil else {
            return try await make(bundle, from: source, by: plans.build, tool, in: context)
        }
        let installed = try await installer.install(install, by: tool, for: source, of: namespace, in: context)
        defer { installer.release(installed) }
        return try await make(
            bundle, from: source, by: plans.build, tool, Packages(installed, by: install), in: context)
    }

    /// Packages that a build has.
    private struct Packages {
        let path: String
        let log: String
        let environment: [String: String]
        let destination: InstallPlan.Destination

        init?(_ installed: PackageInstaller.Installed, by plan: InstallPlan) {
            guard let path = installed.path else { return nil }
            self.path = path
            log = installed.log
            environment = plan.buildEnvironment
            destination = plan.destination
        }
    }

    private func make(
        _ bundle: BundleID, from source: SourceArchive, by plan: BuildPlan, _ tool: BuildTool,
        _ packages: Packages? = nil, in context: BuildContext
    ) async throws(BuildError) -> BuildResult {
        let folder = folders.next()
        do throws(BuildError) {
            let log = try await run(plan, tool, folder, packages, source.config, context)
            let destination = path(of: bundle)
            try await onDisk { () throws(SystemError) in
                if let packages, case .bundle(let name, _) = packages.destination {
                    try folder.add(packages.path, as: name)
                }
                try folder.publish(as: destination)
            }
            await place.onDisk { [quarantine = place.quarantine] in quarantine.removeLater(folder.path) }
            return await result(bundle, log: log)
        } catch {
            await place.onDisk { [quarantine = place.quarantine] in quarantine.removeLater(folder.path) }
            throw error
        }
    }

    /// Stages the plan, runs it, and takes what it leaves.
    /// - Returns: what it printed, and what the installation of its packages did.
    private func run(
        _ plan: BuildPlan, _ tool: BuildTool, _ folder: BuildFolder, _ packages: Packages?, _ config: FunctionConfig,
        _ context: BuildContext
    ) async throws(BuildError) -> String {
        try await place.disk.run { () throws(BuildError) in try folder.stage(plan.files, executables: plan.executables)
        }
        var isolation = BuildRun.isolation(plan.environment, plan.command, tool)
        if let packages {
            isolation.mounts.append(.init(source: packages.path, destination: packages.destination.inBuild))
            isolation.environment.merge(packages.environment) { $1 }
        }
        if tool.name == "go" { GoBuildCache(directory: place.cacheDirectory, tool: tool).offer(to: &isolation) }
        folder.offer(to: &isolation, keeping: plan.output)
        let receiver = folder.receiver()
        let run = try await BuildRun(
            isolation: isolation, tool: tool, receiver: receiver, deadlineSeconds: deadlineSeconds, context: context
        ).run(in: place)
        let log = (packages?.log ?? "") + BuildRun.readable(run.output)
        guard run.status.code == 0 else {
            let reason =
                run.outOfMemoryKills > 0
                ? "the build ran out of memory"
                : RuntimeSupport.of(config.runtime).failureReason(log: log, of: config.name)
            throw .failed(reason: reason, log: log)
        }
        let failure = await place.onDisk { receiver.finish() }
        if let failure { throw BuildRun.error(failure, log: log) }
        try await BuildRun.check(folder.bundle, context, log: log, in: place)
        try await place.disk.run { () throws(BuildError) in
            try folder.add(plan.beside, executables: plan.executables)
        }
        return log
    }

    private func result(_ bundle: BundleID, log: String) async -> BuildResult {
        let path = path(of: bundle)
        let bytes = await place.onDisk { Files.usedBytes(below: path) }
        return BuildResult(bundle: bundle, bytes: bytes, log: log)
    }

    // MARK: Small things

    private func path(of bundle: BundleID) -> String { "\(place.bundlesDirectory)/\(bundle)" }

    private func onDisk(_ work: @escaping @Sendable () throws(SystemError) -> Void) async throws(BuildError) {
        if let failure = await place.onDisk({ Self.failure(work) }) { throw BuildError(writing: failure) }
    }

    private static func failure(_ work: () throws(SystemError) -> Void) -> SystemError? {
        do throws(SystemError) {
            try work()
            return nil
        } catch {
            return error
        }
    }
}
