import Glibc
import Invok
import InvokRuntimes
import Logging
import Synchronization

/// Builds bundles into a directory: what every builder on this machine does, wherever its builds run.
package final class BundleBuilder: Sendable {
    private let place: any BuildPlace
    private let deadlineSeconds: Int
    private let goCache: GoCacheKeeper
    private let builds = SharedWork<BundleID, Result<BuildResult, BuildError>>()
    private let lastFolder = Atomic<Int>(0)

    /// - Parameter deadlineSeconds: the longest that one build may take.
    package init(place: any BuildPlace, deadlineSeconds: Int, logger: Logger) {
        self.place = place
        self.deadlineSeconds = deadlineSeconds
        goCache = GoCacheKeeper(place: place, logger: logger)
    }

    package static func bundle(of artifact: Digest, runtime: Runtime) -> BundleID {
        let recipe = RuntimeSupport.of(runtime).recipeVersion
        return BundleID(Digest(of: "\(artifact)\n\(runtime.rawValue)\n\(recipe)".utf8))
    }

    package func build(_ source: SourceArchive, artifact: Digest) async throws(BuildError) -> BuildResult {
        let bundle = Self.bundle(of: artifact, runtime: source.config.runtime)
        let result = await builds.value(for: bundle) {
            do throws(BuildError) {
                return .success(try await self.make(bundle, from: source))
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

    private func make(_ bundle: BundleID, from source: SourceArchive) async throws(BuildError) -> BuildResult {
        let destination = path(of: bundle)
        if Files.isDirectory(destination) { return await result(bundle, log: "") }
        let support = RuntimeSupport.of(source.config.runtime)
        let plan = try support.buildPlan(for: source)
        var tool: BuildTool?
        if let name = plan.command?.first { tool = try await place.tool(name) }
        if let tool, tool.name == "go" { await goCache.need(.template) }
        if Task.isCancelled { throw .cancelled }
        let folder = newFolder()
        do throws(BuildError) {
            try await onDisk { () throws(SystemError) in try folder.stage(plan.files, for: plan.output) }
            let run = try await run(plan, tool, folder)
            let log = run.map { BuildRun.readable($0.output) } ?? ""
            if let run, run.status.code != 0 {
                guard !Files.isDiskFull(place.bundlesDirectory) else { throw .full }
                let reason =
                    run.outOfMemoryKills > 0
                    ? "the build ran out of memory" : support.failureReason(log: log, of: source.config.name)
                throw .failed(reason: reason, log: log)
            }
            try await onDisk { () throws(SystemError) in try folder.publish(plan.output, as: destination) }
            await place.onDisk { [quarantine = place.quarantine] in quarantine.removeLater(folder.path) }
            return await result(bundle, log: log)
        } catch {
            await place.onDisk { [quarantine = place.quarantine] in quarantine.removeLater(folder.path) }
            throw error
        }
    }

    private func result(_ bundle: BundleID, log: String) async -> BuildResult {
        let path = path(of: bundle)
        let bytes = await place.onDisk { Files.usedBytes(below: path, limit: .max) }
        return BuildResult(bundle: bundle, bytes: bytes, log: log)
    }

    /// - Returns: `nil` when the plan has nothing to run.
    private func run(
        _ plan: BuildPlan, _ tool: BuildTool?, _ folder: BuildFolder
    ) async throws(BuildError) -> CapturedRun? {
        guard let tool, let command = plan.command else { return nil }
        var isolation = BuildRun.isolation(plan.environment, command, tool)
        isolation.mounts += folder.mounts(for: plan.output)
        if tool.name == "go" { GoBuildCache(directory: place.cacheDirectory, tool: tool).offer(to: &isolation) }
        let run = BuildRun(isolation: isolation, tool: tool, folder: folder, deadlineSeconds: deadlineSeconds)
        return try await run.run(in: place)
    }

    // MARK: Small things

    private func path(of bundle: BundleID) -> String { "\(place.bundlesDirectory)/\(bundle)" }

    private func newFolder() -> BuildFolder {
        while true {
            let number = lastFolder.wrappingAdd(1, ordering: .relaxed).newValue
            let folder = BuildFolder(path: "\(place.bundlesDirectory)/.tmp-\(number)")
            // One that could not even be moved away is passed over.
            if !Files.exists(folder.path) { return folder }
        }
    }

    private func onDisk(_ work: @escaping @Sendable () throws(SystemError) -> Void) async throws(BuildError) {
        guard let failure = await place.onDisk({ Self.failure(work) }) else { return }
        if failure.isFull { throw .full }
        throw .unavailable(reason: "the bundle cannot be written: \(failure)", nextStep: nil)
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
