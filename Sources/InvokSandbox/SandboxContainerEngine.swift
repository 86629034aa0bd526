public import Invok
import InvokConcurrency
import InvokEgress
import InvokPOSIX
import InvokRuntimes
public import Logging
import Synchronization

/// Runs each instance in a sandbox made by bubblewrap on this machine. Instances end with the process of the core.
public final class SandboxContainerEngine: ContainerEngine {
    /// How long the end of an instance waits for the last of its output to be written.
    private static let logGrace = Duration.seconds(5)

    private struct State {
        var instances: [InstanceID: SandboxInstance] = [:]
        var nextDirectory = 0
        var subscribers: [Int: AsyncStream<InstanceExit>.Continuation] = [:]
        var nextSubscriber = 0
    }

    private let host: SandboxHost
    private let logs: any LogStore
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameters:
    ///   - logs: where what instances print goes.
    ///   - logger: for what is wrong with the machine, not with a function.
    public init(host: SandboxHost, logs: any LogStore, logger: Logger) {
        self.host = host
        self.logs = logs
        self.logger = logger
    }

    public func egressObstacle() async throws(EngineError) -> String? { try await host.prepared().egressObstacle }

    public func prepare() async throws(EngineError) -> [String] { try await host.prepared().warnings }

    public func list() async throws(EngineError) -> [RunningInstance] {
        state.withLock { $0.instances.values.compactMap(\.running).sorted { $0.id < $1.id } }
    }

    public func exits() -> AsyncStream<InstanceExit> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: InstanceExit.self, bufferingPolicy: .bufferingNewest(Int(UserIDPool.capacity) * 4))
        let number = state.withLock { state in
            state.nextSubscriber += 1
            state.subscribers[state.nextSubscriber] = continuation
            return state.nextSubscriber
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.subscribers.removeValue(forKey: number) }
        }
        return stream
    }

    // MARK: Start

    public func start(_ spec: InstanceSpec) async throws(EngineError) -> RunningInstance {
        let launcher = try await host.prepared().launcher
        let sandbox = try sandbox(for: spec)
        let instance = try register(spec)
        let output = OutputCollector(instance: spec.id, clock: host.clock)
        let network: InstanceNetwork?
        let process: SandboxProcess
        do throws(NetworkError) {
            network = try await self.network(for: spec, output)
        } catch {
            await forget(instance, launcher)
            throw .startFailed("it can be given no network: \(error)")
        }
        do throws(LaunchError) {
            process = try await launch(instance, sandbox, network, output, launcher)
        } catch {
            if let network { await host.networks?.giveBack(network) }
            await forget(instance, launcher)
            throw .startFailed(error.description)
        }
        let running = RunningInstance(spec, at: .unixSocket(instance.socketPath))
        let isStopped = instance.started(process, running)
        accompany(instance, process, network, output, launcher)
        guard isStopped || Task.isCancelled else { return running }
        _ = instance.beginStopping()
        process.kill()
        await instance.gone.wait()
        throw .cancelled
    }

    private func network(
        for spec: InstanceSpec, _ output: OutputCollector
    ) async throws(NetworkError) -> InstanceNetwork? {
        guard let egress = spec.settings.egress else { return nil }
        guard let networks = host.networks else { throw NetworkError.none }
        return try await networks.take(for: egress) { output.note($0) }
    }

    private func sandbox(for spec: InstanceSpec) throws(EngineError) -> Sandbox {
        let bundlePath = host.bundlePath(spec.bundle)
        guard Files.isDirectory(bundlePath) else {
            throw .startFailed("the bundle \(spec.bundle) is not there; deploy the function again")
        }
        let command = RuntimeSupport.of(spec.settings.runtime).launch.command
        var toolchains: [Toolchain] = []
        if let name = command.first.flatMap(Toolchain.Name.init(rawValue:)) {
            guard let toolchain = host.toolchains[name] else {
                throw .startFailed(host.toolchains.missing[name] ?? "\(name.rawValue) is missing on this machine")
            }
            toolchains = [toolchain]
        }
        return SandboxInstance.sandbox(spec, bundlePath: bundlePath, command: command, toolchains: toolchains)
    }

    private func register(_ spec: InstanceSpec) throws(EngineError) -> SandboxInstance {
        let instance: SandboxInstance? = state.withLock { state in
            guard state.instances[spec.id] == nil else { return nil }
            state.nextDirectory += 1
            let instance = SandboxInstance(
                spec: spec, directory: "\(host.runDirectory)/\(String(state.nextDirectory, radix: 36))")
            state.instances[spec.id] = instance
            return instance
        }
        guard let instance else { throw .startFailed("the instance \(spec.id) runs already") }
        return instance
    }

    /// The core's copies of what it hands over are gone on return: a dead instance then refuses connections, and its
    /// pipes are at their end.
    private func launch(
        _ instance: SandboxInstance, _ sandbox: Sandbox, _ network: InstanceNetwork?, _ output: OutputCollector,
        _ launcher: SandboxLauncher
    ) async throws(LaunchError) -> SandboxProcess {
        let (stdout, stderr) = (try Descriptor.launchPipe(), try Descriptor.launchPipe())
        let directory = instance.directory
        let process = try await launcher.launch(
            sandbox, output: stdout.writing, errors: stderr.writing, network: network?.namespace
        ) { () throws(SystemError) in
            try Files.makeDirectory(directory, mode: 0o700)
            return try ListeningSocket.listen(SandboxInstance.socketName, in: directory)
        }.get()
        launcher.watch(stdout.reading, output.reader(of: stdout.reading, .stdout))
        launcher.watch(stderr.reading, output.reader(of: stderr.reading, .stderr))
        return process
    }

    // MARK: End

    /// Two tasks that outlive the call of `start` and end with the instance: one writes its output into the log, the
    /// other tidies up behind it.
    private func accompany(
        _ instance: SandboxInstance, _ process: SandboxProcess, _ network: InstanceNetwork?, _ output: OutputCollector,
        _ launcher: SandboxLauncher
    ) {
        let spec = instance.spec
        let writing = Task { [logs, logger] in
            await output.run(into: logs, of: spec.version.function, logger: logger)
        }
        Task {
            let end = await process.ended()
            // Before anything else: until this is heard, requests are sent to it.
            if !instance.ended() { tell(end, of: spec.id, process.limits) }
            await launcher.cleanUp(process)
            if let network { await self.host.networks?.giveBack(network) }
            await finish(writing)
            await forget(instance, launcher)
        }
    }

    private func tell(_ end: SandboxEnd, of id: InstanceID, _ limits: ResourceLimits) {
        let reason = end.status.reason(outOfMemoryKills: end.outOfMemoryKills, memoryBytes: limits.memoryBytes)
        let subscribers = state.withLock { Array($0.subscribers.values) }
        for subscriber in subscribers { subscriber.yield(InstanceExit(id: id, reason: reason)) }
    }

    /// Waits for the last of the output, which is at hand, since its pipes have ended; not for ever, since the log may be
    /// slow.
    private func finish(_ writing: Task<Void, Never>) async {
        let clock = host.clock
        let deadline = clock.now().advanced(by: Self.logGrace)
        let limit = Task {
            try? await clock.sleep(until: deadline)
            writing.cancel()
        }
        await writing.value
        limit.cancel()
    }

    private func forget(_ instance: SandboxInstance, _ launcher: SandboxLauncher) async {
        let directory = instance.directory
        let failure = await launcher.blocking { () -> SystemError? in
            do throws(SystemError) {
                try Files.removeTree(directory)
                return nil
            } catch {
                return error
            }
        }
        if let failure { logger.warning("the directory of \(instance.spec.id) is left behind: \(failure)") }
        state.withLock { _ = $0.instances.removeValue(forKey: instance.spec.id) }
        instance.gone.signal()
    }

    public func stop(_ id: InstanceID, grace: Duration) async {
        guard let instance = state.withLock({ $0.instances[id] }) else { return }
        if let process = instance.beginStopping(), let launcher = try? await host.prepared().launcher {
            await end(process, grace: grace, launcher)
        }
        await instance.gone.wait()
    }

    private func end(_ process: SandboxProcess, grace: Duration, _ launcher: SandboxLauncher) async {
        guard grace > .zero, await launcher.blocking({ process.terminate() }) else { return process.kill() }
        let clock = host.clock
        let deadline = clock.now().advanced(by: grace)
        await withTaskGroup { group in
            group.addTask {
                do {
                    try await clock.sleep(until: deadline)
                    process.kill()
                } catch {
                    // It ended in time. Were it our caller that was cancelled, it must end all the same.
                    process.kill()
                }
            }
            _ = await process.ended()
            group.cancelAll()
        }
    }
}
