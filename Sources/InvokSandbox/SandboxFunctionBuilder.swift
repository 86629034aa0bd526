import Glibc
public import Invok
import InvokRuntimes
public import Logging
import Synchronization

/// Builds in a sandbox with this machine's toolchains: no network, no secrets, limits and a deadline.
public final class SandboxFunctionBuilder: FunctionBuilder {
    private let host: SandboxHost
    private let deadlineSeconds: Int
    private let goCache: GoCacheKeeper
    private let builds = SharedWork<BundleID, Result<BuildResult, BuildError>>()
    private let lastFolder = Atomic<Int>(0)

    /// - Parameters:
    ///   - deadlineSeconds: the longest that one build may take.
    public init(host: SandboxHost, deadlineSeconds: Int = 120, logger: Logger) {
        self.host = host
        self.deadlineSeconds = deadlineSeconds
        goCache = GoCacheKeeper(host: host, logger: logger)
    }

    static func bundle(of artifact: Digest, runtime: Runtime) -> BundleID {
        let recipe = RuntimeSupport.of(runtime).recipeVersion
        return BundleID(Digest(of: "\(artifact)\n\(runtime.rawValue)\n\(recipe)".utf8))
    }

    public func build(_ source: SourceArchive, artifact: Digest) async throws(BuildError) -> BuildResult {
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

    public func bundles() async throws(BuildError) -> Set<BundleID> {
        let launcher = try await launcher()
        let directory = host.bundlesDirectory
        return await launcher.onDisk { Set(Files.names(in: directory).compactMap { Digest($0).map(BundleID.init) }) }
    }

    public func remove(_ bundle: BundleID) async throws(BuildError) {
        let launcher = try await launcher()
        let path = host.bundlePath(bundle)
        // Under another name first, so that a crash leaves no half of it under its own.
        let hidden = newFolder().path
        let failure = await launcher.onDisk { () -> SystemError? in
            guard rename(path, hidden) == 0 else { return errno == ENOENT ? nil : SystemError("rename", path) }
            return Self.failure { () throws(SystemError) in try Files.removeTree(hidden) }
        }
        if let failure { throw .unavailable(reason: "the bundle cannot be removed: \(failure)", nextStep: nil) }
    }

    /// Compiles Go's standard library if that has not been done on this machine, so that no person's first build waits
    /// for it. Builds do what they need of it themselves, or join what runs; call this once at start, in the background.
    public func warmUp() async {
        for part in GoBuildCache.Part.allCases { await goCache.need(part) }
    }

    // MARK: One build

    private func make(_ bundle: BundleID, from source: SourceArchive) async throws(BuildError) -> BuildResult {
        let destination = host.bundlePath(bundle)
        if Files.isDirectory(destination) { return BuildResult(bundle: bundle, log: "") }
        let launcher = try await launcher()
        let support = RuntimeSupport.of(source.config.runtime)
        let plan = try support.buildPlan(for: source)
        let tool = try toolchain(of: plan)
        if tool?.name == .go { await goCache.need(.template) }
        if Task.isCancelled { throw .cancelled }
        let folder = newFolder()
        do throws(BuildError) {
            try await onDisk(launcher) { () throws(SystemError) in
                try folder.stage(plan.files, for: plan.output)
            }
            let run = try await run(plan, tool, folder, launcher)
            let log = run.map { BuildRun.readable($0.output) } ?? ""
            if let run, run.status.code != 0 {
                guard !Files.isDiskFull(host.bundlesDirectory) else { throw .full }
                let reason =
                    run.outOfMemoryKills > 0
                    ? "the build ran out of memory" : support.failureReason(log: log, of: source.config.name)
                throw .failed(reason: reason, log: log)
            }
            try await onDisk(launcher) { () throws(SystemError) in try folder.publish(plan.output, as: destination) }
            await launcher.onDisk { folder.remove() }
            return BuildResult(bundle: bundle, log: log)
        } catch {
            await launcher.onDisk { folder.remove() }
            throw error
        }
    }

    /// - Returns: `nil` when the plan has nothing to run.
    private func run(
        _ plan: BuildPlan, _ tool: Toolchain?, _ folder: BuildFolder, _ launcher: SandboxLauncher
    ) async throws(BuildError) -> CapturedRun? {
        guard let tool, let command = plan.command else { return nil }
        var sandbox = BuildRun.sandbox(plan.environment, command, tool)
        sandbox.mounts += folder.mounts(for: plan.output)
        if tool.name == .go { GoBuildCache(directory: host.cacheDirectory, toolchain: tool).offer(to: &sandbox) }
        let run = BuildRun(sandbox: sandbox, folder: folder, deadlineSeconds: deadlineSeconds, clock: host.clock)
        return try await run.run(by: launcher)
    }

    // MARK: Small things

    private func launcher() async throws(BuildError) -> SandboxLauncher {
        do throws(EngineError) {
            return try await host.prepared().launcher
        } catch {
            switch error {
            case .unavailable(let reason), .startFailed(let reason):
                throw .unavailable(reason: reason, nextStep: nil)
            case .cancelled: throw .cancelled
            }
        }
    }

    private func toolchain(of plan: BuildPlan) throws(BuildError) -> Toolchain? {
        guard let name = plan.command?.first else { return nil }
        guard let known = Toolchain.Name(rawValue: name), let tool = host.toolchains[known] else {
            let sentence = Toolchain.Name(rawValue: name).flatMap { host.toolchains.missing[$0] }
            throw .unavailable(
                reason: "this server has no usable \(name)", nextStep: sentence ?? "install \(name) on the server")
        }
        return tool
    }

    private func newFolder() -> BuildFolder {
        let number = lastFolder.wrappingAdd(1, ordering: .relaxed).newValue
        return BuildFolder(path: "\(host.bundlesDirectory)/.tmp-\(number)")
    }

    private func onDisk(
        _ launcher: SandboxLauncher, _ work: @escaping @Sendable () throws(SystemError) -> Void
    ) async throws(BuildError) {
        guard let failure = await launcher.onDisk({ Self.failure(work) }) else { return }
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
