public import Invok
import InvokBuild
import InvokInit
import InvokPOSIX
import InvokRuntimes
public import Logging

/// Builds in a sandbox with this machine's toolchains: no network, no secrets, limits and a deadline.
public final class SandboxFunctionBuilder: FunctionBuilder {
    private let host: SandboxHost
    private let builder: BundleBuilder

    /// - Parameters:
    ///   - deadlineSeconds: the longest that one build may take.
    public init(host: SandboxHost, deadlineSeconds: Int = 120, logger: Logger) {
        self.host = host
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

    public func bundles() async throws(BuildError) -> Set<BundleID> {
        _ = try await host.launcher()
        return await builder.bundles()
    }

    public func remove(_ bundle: BundleID) async throws(BuildError) {
        _ = try await host.launcher()
        try await builder.remove(bundle)
    }

    /// Compiles Go's standard library if that has not been done on this machine, so that no person's first build waits
    /// for it. Call this once at start, in the background.
    public func warmUp() async { await builder.warmUp() }
}

extension SandboxHost: BuildPlace {
    func launcher() async throws(BuildError) -> SandboxLauncher {
        do throws(EngineError) {
            return try await prepared().launcher
        } catch {
            switch error {
            case .unavailable(let reason), .startFailed(let reason):
                throw .unavailable(reason: reason, nextStep: nil)
            case .cancelled: throw .cancelled
            }
        }
    }

    package func installInit(in folder: String) throws(SystemError) -> String {
        try HandOver.install(in: folder, mode: 0o555)
    }

    package func tool(_ name: String) async throws(BuildError) -> BuildTool {
        _ = try await launcher()
        guard let known = Toolchain.Name(rawValue: name), let tool = toolchains[known] else {
            let sentence = Toolchain.Name(rawValue: name).flatMap { toolchains.missing[$0] }
            throw .unavailable(
                reason: "this server has no usable \(name)", nextStep: sentence ?? "install \(name) on the server")
        }
        guard known == .node, let compiler = toolchains[.esbuild] else { return tool.forBuilds }
        return tool.forBuilds.offering(esbuild: compiler.sandboxExecutable, mounts: compiler.mounts)
    }

    package func run(
        _ isolation: Isolation, with tool: BuildTool, outputLimit: Int,
        output: @escaping @Sendable (ArraySlice<UInt8>) -> Void,
        result: @escaping @Sendable (ArraySlice<UInt8>) -> Bool, began: @escaping @Sendable () -> Void
    ) async throws(BuildError) -> CapturedRun {
        let launcher = try await launcher()
        began()  // but for the few milliseconds that a sandbox takes
        do throws(LaunchError) {
            return try await launcher.run(
                isolation, outputLimit: outputLimit, onOutput: output, taker: OutputTaker(threads: disk, take: result))
        } catch {
            throw .unavailable(reason: error.description, nextStep: nil)
        }
    }
}

extension Toolchain {
    var forBuilds: BuildTool {
        BuildTool(
            name: name.rawValue, executable: sandboxExecutable, mounts: mounts + buildMounts,
            environment: environment.merging(["PATH": Toolchain.path([self])]) { $1 }, identity: version)
    }
}
