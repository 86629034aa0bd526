import Glibc
public import Invok
import InvokRuntimes
public import Logging
import Synchronization

/// Builds in a sandbox with this machine's toolchains: no network, no secrets, limits and a deadline.
public final class SandboxFunctionBuilder: FunctionBuilder {
    private struct Shared {
        let task: Task<Result<BuildResult, BuildError>, Never>
        var waiting: Int
    }

    private struct State {
        var builds: [BundleID: Shared] = [:]
        var warmUp: Task<Void, Never>?
        var nextFolder = 0
    }

    static let logBytes = 64 * 1024

    private let host: SandboxHost
    private let deadlineSeconds: Int
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameters:
    ///   - deadlineSeconds: the longest that one build may take.
    public init(host: SandboxHost, deadlineSeconds: Int = 120, logger: Logger) {
        self.host = host
        self.deadlineSeconds = deadlineSeconds
        self.logger = logger
    }

    static func bundle(of artifact: Digest, runtime: Runtime) -> BundleID {
        let recipe = RuntimeSupport.of(runtime).recipeVersion
        return BundleID(Digest(of: "\(artifact)\n\(runtime.rawValue)\n\(recipe)".utf8))
    }

    public func build(_ source: SourceArchive, artifact: Digest) async throws(BuildError) -> BuildResult {
        let bundle = Self.bundle(of: artifact, runtime: source.config.runtime)
        let task = state.withLock { state in
            if state.builds[bundle] != nil {
                state.builds[bundle]?.waiting += 1
            } else {
                // Unstructured, since several callers may wait for it; cancelled with the last of them.
                let task = Task { () -> Result<BuildResult, BuildError> in
                    defer { self.state.withLock { _ = $0.builds.removeValue(forKey: bundle) } }
                    do throws(BuildError) {
                        return .success(try await self.make(bundle, from: source))
                    } catch {
                        return .failure(error)
                    }
                }
                state.builds[bundle] = Shared(task: task, waiting: 1)
            }
            return state.builds[bundle]?.task
        }
        guard let task else { throw .cancelled }
        let result = await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            let isLast = state.withLock { state in
                state.builds[bundle]?.waiting -= 1
                return state.builds[bundle]?.waiting == 0
            }
            if isLast { task.cancel() }
        }
        if Task.isCancelled { throw .cancelled }
        // All who waited before gave up just as this caller came.
        if case .failure(.cancelled) = result { return try await build(source, artifact: artifact) }
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

    /// Compiles Go's standard library if that has not been done, so that no person's first build waits for it. Builds
    /// do it themselves if need be; call this once at start, in the background.
    public func warmUp() async {
        let task = state.withLock { state in
            if let task = state.warmUp { return task }
            // Unstructured, since whoever asks first must not end it for the others; bounded by the deadline.
            let task = Task { await self.makeGoCache() }
            state.warmUp = task
            return task
        }
        await task.value
    }

    // MARK: One build

    private func make(_ bundle: BundleID, from source: SourceArchive) async throws(BuildError) -> BuildResult {
        let destination = host.bundlePath(bundle)
        if Files.isDirectory(destination) { return BuildResult(bundle: bundle, log: "") }
        let launcher = try await launcher()
        let support = RuntimeSupport.of(source.config.runtime)
        let plan = try support.buildPlan(for: source)
        let tool = try toolchain(of: plan)
        if tool?.name == .go { await warmUp() }
        let folder = newFolder()
        do throws(BuildError) {
            try await onDisk(launcher) { () throws(SystemError) in try folder.stage(plan.files) }
            let run = try await run(plan, tool, folder, launcher, deadlineSeconds)
            let log = run.map { Self.readable($0.output) } ?? ""
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
        _ plan: BuildPlan, _ tool: Toolchain?, _ folder: BuildFolder, _ launcher: SandboxLauncher, _ seconds: Int
    ) async throws(BuildError) -> CapturedRun? {
        guard let tool, let command = plan.command else { return nil }
        let cacheDirectory = host.cacheDirectory
        if tool.name == .go {
            try await onDisk(launcher) { () throws(SystemError) in
                try GoBuildCache(directory: cacheDirectory, toolchain: tool).prepare(folder.cache)
            }
        }
        let sandbox = Self.sandbox(plan, command, tool, folder)
        let clock = host.clock
        let deadline = clock.now().advanced(by: .seconds(seconds))
        let (result, isLate) = await withTaskGroup(of: Result<CapturedRun, LaunchError>?.self) { group in
            group.addTask {
                do throws(LaunchError) {
                    return .success(try await launcher.run(sandbox, outputLimit: Self.logBytes))
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                try? await clock.sleep(until: deadline)
                return nil
            }
            var result: Result<CapturedRun, LaunchError>?
            var isLate = false
            for await finished in group {
                if let finished { result = finished } else if result == nil { isLate = true }
                group.cancelAll()
            }
            return (result, isLate)
        }
        if Task.isCancelled { throw .cancelled }
        switch result {
        case .success(let run)?:
            if isLate { throw .deadlineExceeded(seconds: seconds, log: Self.readable(run.output)) }
            return run
        case .failure(let error)?: throw .unavailable(reason: error.description, nextStep: nil)
        case nil: throw .cancelled
        }
    }

    private static func sandbox(
        _ plan: BuildPlan, _ command: [String], _ tool: Toolchain, _ folder: BuildFolder
    ) -> Sandbox {
        var mounts = tool.mounts + [Sandbox.Mount(source: folder.work, destination: "/build", isWritable: true)]
        var environment = [
            "HOME": "/tmp", "TMPDIR": "/tmp", "PATH": Toolchain.path([tool]), "TZ": "UTC", "LANG": "C.UTF-8",
        ]
        if tool.name == .go {
            mounts.append(Sandbox.Mount(source: folder.cache, destination: "/cache", isWritable: true))
            environment.merge(["GOCACHE": "/cache", "GOPATH": "/tmp/go"]) { _, new in new }
        }
        environment.merge(plan.environment) { _, new in new }
        return Sandbox(
            mounts: mounts, workingDirectory: "/build", environment: environment,
            command: [tool.sandboxExecutable] + command.dropFirst(), temporaryBytes: 1 << 30,
            limits: ResourceLimits(
                memoryBytes: 2 << 30, cpus: 2, processes: 512, openFiles: 4096, fileBytes: 512 << 20))
    }

    private func makeGoCache() async {
        guard let tool = host.toolchains[.go], let launcher = try? await launcher() else { return }
        let cache = GoBuildCache(directory: host.cacheDirectory, toolchain: tool)
        guard !cache.isReady else { return }
        let folder = newFolder()
        do {
            let plan = try RuntimeSupport.of(.go).buildPlan(for: GoBuildCache.sample())
            try await onDisk(launcher) { () throws(SystemError) in try folder.stage(plan.files) }
            let run = try await run(plan, tool, folder, launcher, 600)
            guard let run, run.status.code == 0 else {
                logger.warning("Go's standard library could not be compiled in advance: \(run?.text ?? "")")
                return await launcher.onDisk { folder.remove() }
            }
            try await onDisk(launcher) { () throws(SystemError) in try cache.adopt(folder.cache) }
        } catch {
            logger.warning("Go's standard library could not be compiled in advance: \(error)")
        }
        await launcher.onDisk { folder.remove() }
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
        let number = state.withLock { state in
            state.nextFolder += 1
            return state.nextFolder
        }
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

    /// The output as the person shall read it: Go's lines about packages go, its paths lose their `./`.
    static func readable(_ output: [UInt8]) -> String {
        String(decoding: output, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.hasPrefix("# ") }
            .map { $0.hasPrefix("./") ? $0.dropFirst(2) : $0 }
            .joined(separator: "\n")
    }
}
