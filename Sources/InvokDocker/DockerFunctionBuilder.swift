public import Invok
import InvokBuild
import InvokConcurrency
import InvokInit
import InvokPOSIX
import InvokRuntimes
public import Logging
import Synchronization

/// Builds in a container of the runtime's builder image: no network, no secrets, limits and a deadline.
public final class DockerFunctionBuilder: FunctionBuilder {
    private let builder: BundleBuilder

    /// - Parameters:
    ///   - deadlineSeconds: the longest that one build may take.
    public init(host: DockerHost, deadlineSeconds: Int = 120, logger: Logger) {
        builder = BundleBuilder(place: host, deadlineSeconds: deadlineSeconds, logger: logger)
    }

    public func build(
        _ source: SourceArchive, artifact: Digest, of namespace: Namespace, in context: BuildContext
    ) async throws(BuildError) -> BuildResult {
        try await builder.build(source, artifact: artifact, of: namespace, in: context)
    }

    public func bundle(of artifact: Digest, for runtime: Runtime) -> BundleID {
        BundleBuilder.bundle(of: artifact, runtime: runtime)
    }

    public func bundles() async throws(BuildError) -> Set<BundleID> { await builder.bundles() }

    public func remove(_ bundle: BundleID) async throws(BuildError) { try await builder.remove(bundle) }

    /// Compiles Go's standard library if that has not been done with this image, so that no person's first build waits
    /// for it. Call this once at start, in the background.
    public func warmUp() async { await builder.warmUp() }
}

extension DockerHost: BuildPlace {
    private static let runtimes: [String: Runtime] = ["go": .go, "node": .nodejs, "python3": .python]

    package func installInit(in folder: String) throws(SystemError) -> String {
        try HandOver.install(in: folder, mode: 0o555)
    }

    package func tool(_ name: String) async throws(BuildError) -> BuildTool {
        let prepared = try await preparedForBuild()
        guard let runtime = Self.runtimes[name] else {
            throw .unavailable(reason: "no image has \(name)", nextStep: nil)
        }
        let image = settings.images.builder(of: runtime)
        do throws(DockerError) {
            let message: ImageMessage = try client.decode(
                await client.call(.get, "/images/\(DockerClient.escaped(image))/json"))
            let digest = message.id.split(separator: ":").last ?? ""
            let tool = BuildTool(name: name, executable: name, identity: "image-\(digest.prefix(12))")
            guard runtime == .nodejs, let compiler = prepared.esbuild else { return tool }
            let mount = Isolation.Mount(source: compiler, destination: "/opt/esbuild")
            return tool.offering(esbuild: mount.destination, mounts: [mount])
        } catch {
            guard error.isNotFound else { throw buildError(error) }
            throw .unavailable(
                reason: "the image '\(image)', which builds \(runtime.rawValue) functions, is not on this server",
                nextStep: "its operator can get it with 'docker pull \(image)'")
        }
    }

    package func run(
        _ isolation: Isolation, with tool: BuildTool, outputLimit: Int,
        output: @escaping @Sendable (ArraySlice<UInt8>) -> Void,
        result: @escaping @Sendable (ArraySlice<UInt8>) -> Bool, began: @escaping @Sendable () -> Void
    ) async throws(BuildError) -> CapturedRun {
        let prepared = try await preparedForBuild()
        var isolation = isolation
        isolation.mounts = isolation.mounts.map {
            Isolation.Mount(
                source: settings.hostPath($0.source), destination: $0.destination, isWritable: $0.isWritable)
        }
        let name = String(UInt64.random(in: .min ... .max), radix: 16)
        let image = settings.images.builder(of: Self.runtimes[tool.name] ?? .go)
        let handOver = try secretHandOver(isolation, name, prepared)
        let folder = InstanceFolder(ofBuild: name, in: runDirectory)
        defer {
            handOver?.cancel()
            if handOver != nil { quarantine.removeLater(folder.path) }
        }
        let request =
            handOver == nil
            ? prepared.plan.build(isolation, image: image, name: name)
            : prepared.plan.secretBuild(
                isolation, image: image, name: name, folder: settings.hostPath(folder.inner))
        let cancelled = OneShot<Void>()
        // Not a child of the caller's task: whatever that does, the container is removed and its output read.
        let task = Task {
            _ = builds.withLock { $0.insert(name) }
            defer { _ = builds.withLock { $0.remove(name) } }
            return await self.build(
                request, output: CappedOutput(limit: outputLimit), onOutput: output, result: result, began: began,
                until: cancelled)
        }
        return try await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            cancelled.signal()
        }.get()
    }

    /// What hands a build its command, where nothing of it may come to the engine.
    private func secretHandOver(
        _ isolation: Isolation, _ name: String, _ prepared: Prepared
    ) throws(BuildError) -> InstanceHandOver? {
        guard !isolation.secretEnvironment.isEmpty else { return nil }
        do throws(SystemError) {
            let folder = InstanceFolder(ofBuild: name, in: runDirectory)
            try folder.make()
            return try InstanceHandOver(
                ContainerPlan.command(of: isolation), in: folder, on: prepared.events, serves: false)
        } catch {
            throw BuildError.unavailable(reason: "a build's directory cannot be made: \(error)", nextStep: nil)
        }
    }

    private func build(
        _ request: ContainerRequest, output: CappedOutput, onOutput: @Sendable (ArraySlice<UInt8>) -> Void,
        result take: @escaping @Sendable (ArraySlice<UInt8>) -> Bool, began: @Sendable () -> Void,
        until cancelled: OneShot<Void>
    ) async -> Result<CapturedRun, BuildError> {
        var container: String?
        var output = output
        let result: Result<CapturedRun, BuildError>
        do throws(DockerError) {
            let id = try await gate.pass { () throws(DockerError) in
                let created: CreatedMessage = try client.decode(
                    await client.call(.post, "/containers/create", body: request))
                container = created.id
                return created.id
            }
            try await attach(to: id, until: cancelled, began: began) { (frame) throws(DockerError) in
                if frame.source == .stderr {
                    output.append(frame.payload)
                    onOutput(frame.payload[...])
                } else if await !disk.run({ take(frame.payload[...]) }) {
                    cancelled.signal()
                }
            }
            result = .success(try await outcome(of: id, output: output))
        } catch {
            cancelled.signal()
            result = .failure(buildError(error))
        }
        if let container {
            _ = try? await client.call(.delete, "/containers/\(container)", ["force": "1", "v": "1"])
        }
        return result
    }

    /// Starts the container and reads both its outputs to their end, which is its own. Docker keeps none of them.
    private func attach(
        to container: String, until cancelled: OneShot<Void>, began: @Sendable () -> Void,
        receive: (LogFrames.Frame) async throws(DockerError) -> Void
    ) async throws(DockerError) {
        var frames = LogFrames()
        var killing: Task<Void, Never>?
        try await client.stream(
            .post, "/containers/\(container)/attach", ["stream": "1", "stdout": "1", "stderr": "1"],
            opened: { () throws(DockerError) in
                try await gate.pass { () throws(DockerError) in
                    _ = try await client.call(.post, "/containers/\(container)/start")
                }
                began()
                // Only now, since what does not run yet cannot be killed.
                killing = Task {
                    await cancelled.wait()
                    _ = try? await client.call(.post, "/containers/\(container)/kill")
                }
            },
            receive: { (bytes) throws(DockerError) in
                for frame in try frames.append(bytes) { try await receive(frame) }
            })
        try await client.call(.post, "/containers/\(container)/wait", seconds: nil)
        cancelled.signal()
        await killing?.value
    }

    private func outcome(of container: String, output: CappedOutput) async throws(DockerError) -> CapturedRun {
        let inspection: InspectionMessage = try client.decode(
            await client.call(.get, "/containers/\(container)/json"))
        return CapturedRun(
            status: ExitStatus(code: inspection.state.exitCode), output: output.bytes,
            outOfMemoryKills: inspection.state.outOfMemory == true ? 1 : 0)
    }

    private func preparedForBuild() async throws(BuildError) -> Prepared {
        do throws(EngineError) {
            return try await prepared()
        } catch {
            switch error {
            case .unavailable(let reason), .startFailed(let reason): throw .unavailable(reason: reason, nextStep: nil)
            case .cancelled: throw .cancelled
            }
        }
    }

    private func buildError(_ error: DockerError) -> BuildError {
        if error.isDiskFull { return .full }
        return switch unavailable(error) {
        case .unavailable(let reason), .startFailed(let reason): .unavailable(reason: reason, nextStep: nil)
        case .cancelled: .cancelled
        }
    }
}
