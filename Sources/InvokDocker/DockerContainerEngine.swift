public import Invok
import InvokConcurrency
import InvokPOSIX
import InvokRuntimes
public import Logging
import Synchronization

/// Runs each instance in a container of Docker Engine. Instances outlive the core, and the next one finds them.
public final class DockerContainerEngine: ContainerEngine {
    private static let logGrace = Duration.seconds(5)

    let host: DockerHost
    let logger: Logger
    let exitsOfAll = Broadcast<Bool, InstanceExit>(buffer: 1024)
    private let logs: any LogStore
    private let instances = Mutex<[InstanceID: DockerInstance]>([:])

    /// - Parameters:
    ///   - logs: where what instances print goes.
    ///   - logger: for what is wrong with the machine, not with a function.
    public init(host: DockerHost, logs: any LogStore, logger: Logger) {
        self.host = host
        self.logs = logs
        self.logger = logger
    }

    var client: DockerClient { host.client }

    public func egressObstacle() async throws(EngineError) -> String? {
        "functions in containers have no network yet; INVOK_ENGINE=sandbox gives them one"
    }

    public func prepare() async throws(EngineError) -> [String] { try await host.prepared().warnings }

    // MARK: Start

    public func start(_ spec: InstanceSpec) async throws(EngineError) -> RunningInstance {
        let prepared = try await host.prepared()
        guard Files.isDirectory(host.bundlePath(spec.bundle)) else {
            throw .startFailed("the bundle \(spec.bundle) is not there; deploy the function again")
        }
        let instance = DockerInstance(
            starting: spec.id, version: spec.version, share: spec.share, generation: spec.generation,
            folder: InstanceFolder(of: spec.id, in: host.runDirectory))
        guard register(instance) else { throw .startFailed("the instance \(spec.id) runs already") }
        // Unstructured, since both the caller's cancellation and a stop end it; it ends by itself in any case.
        let task = Task { await self.bringUp(instance, spec, prepared) }
        instance.isStarted(by: task)
        let result = await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
        return try result.get()
    }

    private func bringUp(
        _ instance: DockerInstance, _ spec: InstanceSpec, _ prepared: DockerHost.Prepared
    ) async -> Result<RunningInstance, EngineError> {
        let failure: EngineError
        do throws(EngineError) {
            try await launch(instance, spec, prepared)
            if Task.isCancelled { throw .cancelled }
            switch instance.started() {
            case .running(let running): return .success(running)
            case .ended: throw await endedEarly(instance.container ?? "")
            case .unwanted: throw .cancelled
            }
        } catch {
            failure = Task.isCancelled ? .cancelled : error
        }
        _ = instance.beginEnding()
        await end(instance, grace: .zero)
        return .failure(failure)
    }

    /// Returns once the instance has all that it is to run. Connections queue from then on.
    private func launch(
        _ instance: DockerInstance, _ spec: InstanceSpec, _ prepared: DockerHost.Prepared
    ) async throws(EngineError) {
        let handOver: InstanceHandOver
        do throws(SystemError) {
            host.quarantine.removeLater(instance.folder.path)
            try instance.folder.make()
            handOver = try InstanceHandOver(
                ContainerPlan.command(of: spec), in: instance.folder, on: prepared.events)
        } catch {
            throw .unavailable("an instance's directory cannot be made: \(error)")
        }
        defer { handOver.cancel() }
        let settings = host.settings
        let request = prepared.plan.instance(
            spec, bundle: settings.hostPath(host.bundlePath(spec.bundle)),
            folder: settings.hostPath(instance.folder.inner))
        do throws(DockerError) {
            try await host.gate.pass { () throws(DockerError) in
                let container = try await create(request, for: spec.id)
                instance.container = container
                try await client.call(.post, "/containers/\(container)/start")
            }
        } catch {
            throw startFailure(error, image: request.image)
        }
        follow(instance, isAdopted: false)
        try await complete(handOver, with: instance.container ?? "")
    }

    /// Not a child of the caller's task: a call that is cut off may have made a container that nobody knows of.
    /// - Returns: the engine's identifier of the container.
    private func create(_ request: ContainerRequest, for id: InstanceID) async throws(DockerError) -> String {
        try await Task { await self.created(request, for: id) }.value.get()
    }

    private func created(_ request: ContainerRequest, for id: InstanceID) async -> Result<String, DockerError> {
        var taken: DockerError?
        for name in ContainerPlan.names(of: id) {
            do throws(DockerError) {
                let bytes = try await client.call(.post, "/containers/create", ["name": name], body: request)
                let created: CreatedMessage = try client.decode(bytes)
                return .success(created.id)
            } catch {
                guard error.isConflict else { return .failure(error) }
                taken = error
            }
        }
        return .failure(taken ?? .cancelled)
    }

    private func startFailure(_ error: DockerError, image: String) -> EngineError {
        guard case .refused(_, let message) = error else { return host.unavailable(error) }
        if error.isNotFound, message.contains("No such image") {
            return .startFailed(
                "the image '\(image)' is not on this server; its operator can get it with 'docker pull \(image)'")
        }
        if error.isDiskFull { return .startFailed("the server's disk is full") }
        return host.unavailable(error)
    }

    /// Waits for whatever comes first: that all is handed over, or the container's end.
    private func complete(_ handOver: InstanceHandOver, with container: String) async throws(EngineError) {
        let end = Task { await self.awaitEnd(container, handOver) }
        defer { end.cancel() }
        let outcome = await withTaskCancellationHandler {
            await handOver.wait()
        } onCancel: {
            handOver.cancel()
        }
        switch outcome {
        case .done: return
        case .cancelled where Task.isCancelled: throw .cancelled
        case .cancelled: throw await endedEarly(container)
        case .failed(let error): throw await endedEarly(container, otherwise: "could not be told what to run: \(error)")
        }
    }

    private func awaitEnd(_ container: String, _ handOver: InstanceHandOver) async {
        _ = try? await client.call(.post, "/containers/\(container)/wait", seconds: nil)
        handOver.cancel()
    }

    private func endedEarly(_ container: String, otherwise: String = "was lost") async -> EngineError {
        .startFailed("it ended before it was ready: it \(await reason(ofEnd: container) ?? otherwise)")
    }

    /// Reads its log until it ends. The task is the instance's, which waits for it.
    private func follow(_ instance: DockerInstance, isAdopted: Bool) {
        let log = ContainerLog(
            container: instance.container ?? "", instance: instance.id, function: instance.version.function,
            client: client, store: logs, clock: host.clock, logger: logger)
        instance.log = Task { await log.run(isAdopted: isAdopted) }
    }

    // MARK: End

    public func stop(_ id: InstanceID, grace: Duration) async {
        guard let instance = instances.withLock({ $0[id] }) else { return await removeUnknown(id) }
        if case .ours = instance.beginEnding() {
            // Not a child of the caller's task, whose cancellation must leave no container behind; awaited all the same.
            await Task { await self.end(instance, grace: grace) }.value
        } else {
            await instance.gone.wait()
        }
    }

    /// Ends the container and removes all that is left of it. Its log is read to the end before.
    func end(_ instance: DockerInstance, grace: Duration) async {
        await Task { [self] in
            if let container = instance.container {
                let seconds = grace <= .zero ? 0 : max(1, Int(grace.components.seconds))
                let isGone = await attempt("stop", instance.id) { () throws(DockerError) in
                    try await client.call(
                        .post, "/containers/\(container)/stop", ["t": "\(seconds)"], seconds: Int64(seconds) + 30)
                }
                if isGone { await finishLog(instance) }
                instance.log?.cancel()
                await remove(container, instance.id)
            }
            removeFolder(instance.folder)
            instances.withLock { _ = $0.removeValue(forKey: instance.id) }
            instance.gone.signal()
        }.value
    }

    private func finishLog(_ instance: DockerInstance) async {
        guard let log = instance.log else { return }
        let clock = host.clock
        let deadline = clock.now().advanced(by: Self.logGrace)
        let limit = Task {
            try? await clock.sleep(until: deadline)
            log.cancel()
        }
        await log.value
        limit.cancel()
    }

    /// One that this process never saw: of an earlier core, or never there.
    private func removeUnknown(_ id: InstanceID) async {
        guard let prepared = try? await host.prepared() else { return }
        guard let found = try? await containers(prepared.plan.owner) else { return }
        for container in found where ContainerPlan.instance(labels: container.labels ?? [:])?.id == id {
            await remove(container.id, id)
        }
        removeFolder(InstanceFolder(of: id, in: host.runDirectory))
    }

    func remove(_ container: String, _ id: some CustomStringConvertible & Sendable) async {
        _ = await attempt("remove", id) { () throws(DockerError) in
            try await client.call(.delete, "/containers/\(container)", ["force": "1", "v": "1"])
        }
    }

    /// - Returns: whether the engine has done it, or had nothing to do.
    private func attempt(
        _ what: String, _ id: some CustomStringConvertible & Sendable,
        _ call: () async throws(DockerError) -> [UInt8]
    ) async -> Bool {
        do throws(DockerError) {
            _ = try await call()
            return true
        } catch {
            if case .refused(let status, _) = error, [304, 404, 409].contains(status) { return true }
            logger.warning(
                "a container is left for the next look",
                metadata: ["container": "\(id)", "call": "\(what)", "reason": "\(error.description)"])
            return false
        }
    }

    private func removeFolder(_ folder: InstanceFolder) {
        host.quarantine.removeLater(folder.path)
    }

    // MARK: What this process knows

    private func register(_ instance: DockerInstance) -> Bool {
        instances.withLock { instances in
            guard instances[instance.id] == nil else { return false }
            instances[instance.id] = instance
            return true
        }
    }

    func known(_ id: InstanceID) -> DockerInstance? { instances.withLock { $0[id] } }

    var all: [DockerInstance] { instances.withLock { Array($0.values) } }

    /// Takes an instance of an earlier core in.
    func adopt(
        _ id: InstanceID, _ version: VersionKey, _ share: Resources, _ generation: Int, container: String
    ) -> RunningInstance? {
        let instance = DockerInstance(
            adopted: id, version: version, share: share, generation: generation,
            folder: InstanceFolder(of: id, in: host.runDirectory),
            container: container)
        guard register(instance) else { return nil }
        follow(instance, isAdopted: true)
        return instance.running
    }
}
