import HTTPTypes
import Logging
import Synchronization

/// Starts an instance and sees it answer.
struct InstanceStarter: Sendable {
    struct Failure: Error, Hashable, Sendable {
        /// For the person whose function it is.
        let reason: String
    }

    /// Between two readiness checks of one instance.
    private static let firstPause = Duration.milliseconds(50)
    private static let longestPause = Duration.seconds(1)

    private let world: World
    private let settings: SystemSettings
    private let bundles: Bundles
    private let secrets: SecretReader
    private let logger: Logger

    init(world: World, settings: SystemSettings, bundles: Bundles, logger: Logger) {
        self.world = world
        self.settings = settings
        self.bundles = bundles
        secrets = SecretReader(world)
        self.logger = logger
    }

    /// Sees to it that all that an instance needs is there, which may take a build.
    /// - Returns: what to start, or why it cannot be started.
    func prepare(_ id: InstanceID, of version: Version) async -> Result<InstanceSpec, Failure> {
        do throws(Failure) {
            guard let named = version.bundle else { throw Failure(reason: "the version was never built") }
            guard version.settings.sealed == nil else {
                throw Failure(reason: "its environment cannot be opened: deploy it again")
            }
            // What a version was allowed once it may not be any more.
            if let refusal = settings.egress.refusal(of: version.settings.egress ?? .nothing) {
                throw Failure(reason: refusal.message)
            }
            let bundle = try await bundles.need(named, of: version)
            return .success(InstanceSpec(id: id, version: version.key, settings: version.settings, bundle: bundle))
        } catch {
            await note("instance did not start: \(error.reason)", about: id, in: version.key.function)
            return .failure(error)
        }
    }

    /// - Parameter onRunning: is called as soon as its process runs.
    /// - Returns: the instance once it answers, or why it does not; then nothing of it is left.
    func start(
        _ spec: InstanceSpec, onRunning: @escaping @Sendable () -> Void
    ) async -> Result<RunningInstance, Failure> {
        let began = world.clock.now()
        let seconds = spec.settings.limits.startSeconds
        let deadline = began.advanced(by: .seconds(seconds))
        let result =
            await withDeadline(deadline, on: world.clock) { () throws(Failure) in
                let instance = try await launch(try await withSecrets(spec))
                onRunning()
                try await probe(instance)
                return instance
            }
            ?? .failure(
                Failure(
                    reason: "it was not ready within \(seconds) s, which limits.startSeconds in config.json can raise"))
        switch result {
        case .success:
            let milliseconds = began.duration(to: world.clock.now()).wholeNanoseconds / 1_000_000
            await note("instance ready after \(milliseconds) ms", about: spec.id, in: spec.version.function)
        case .failure(let failure):
            bundles.forget(found: spec.bundle)
            await world.engine.stop(spec.id, grace: .zero)
            await note("instance did not start: \(failure.reason)", about: spec.id, in: spec.version.function)
        }
        return result
    }

    /// Sees an instance answer. The shim answers as soon as the function's code is loaded, so this asks once.
    func probe(_ instance: RunningInstance) async throws(Failure) {
        let head = HTTPRequest(method: .get, scheme: "http", authority: "localhost", path: "/_invok/ready")
        let sink = StatusSink()
        do throws(TransportError) {
            let request = InvocationRequest(head: head, body: EmptyBody())
            try await world.transport.exchange(request, with: instance.endpoint, sink: sink)
        } catch {
            throw Failure(reason: "it ended before it was ready")
        }
        guard sink.status == .ok else { throw Failure(reason: "its readiness check did not answer 200") }
    }

    /// Whether an instance answers its readiness check in time.
    func isReady(_ instance: RunningInstance, within limit: Duration) async -> Bool {
        let deadline = world.clock.now().advanced(by: limit)
        let result = await withDeadline(deadline, on: world.clock) { () throws(Failure) in try await probe(instance) }
        if case .success? = result { return true }
        return false
    }

    /// Whether an instance that an earlier core left answers its readiness check in time. Asked again and again: that it
    /// does not answer at once, on a machine that is busy with its start, says nothing against it.
    func answers(_ instance: RunningInstance, within limit: Duration) async -> Bool {
        let deadline = world.clock.now().advanced(by: limit)
        let result = await withDeadline(deadline, on: world.clock) { () throws(Failure) in
            var pause = Self.firstPause
            while true {
                do throws(Failure) { return try await probe(instance) } catch {}
                do throws(CancellationError) {
                    try await world.clock.sleep(until: world.clock.now().advanced(by: pause))
                } catch {
                    throw Failure(reason: "it was not asked to the end")
                }
                pause = min(pause * 2, Self.longestPause)
            }
        }
        if case .success? = result { return true }
        return false
    }

    /// Puts a line of the platform into the function's log.
    func note(_ text: String, about instance: InstanceID, in function: FunctionKey) async {
        let line = LogLine(time: world.clock.wallTime(), source: .platform, instance: instance, text: text)
        do throws(LogError) {
            try await world.logs.append([line], to: function)
        } catch {
            logger.warning("a log line was lost", metadata: ["function": "\(function)", "reason": "\(error)"])
        }
    }

    /// Reads the secrets as they are now. A store that does not answer is asked again, for as long as the start may take.
    private func withSecrets(_ spec: InstanceSpec) async throws(Failure) -> InstanceSpec {
        var spec = spec
        while true {
            do throws(SecretReader.Failure) {
                spec.secrets = try await secrets.values(
                    of: spec.settings.secrets ?? [], for: spec.version.function)
                world.masks.learn(spec.secrets.values, of: spec.version.function)
                return spec
            } catch {
                switch error {
                case .refused(let reason, let nextStep): throw Failure(reason: "\(reason): \(nextStep)")
                case .store(let error):
                    logger.warning(
                        "an instance waits for its secrets",
                        metadata: ["instance": "\(spec.id)", "reason": "\(error)"])
                }
            }
            do throws(CancellationError) {
                try await world.clock.sleep(until: world.clock.now().advanced(by: Self.longestPause))
            } catch {
                throw Failure(reason: "its secrets could not be read")
            }
        }
    }

    private func launch(_ spec: InstanceSpec) async throws(Failure) -> RunningInstance {
        do throws(EngineError) {
            return try await world.engine.start(spec)
        } catch .startFailed(let reason) {
            throw Failure(reason: reason)
        } catch {
            logger.error("the engine failed", metadata: ["instance": "\(spec.id)", "reason": "\(error)"])
            throw Failure(reason: "the engine is not available")
        }
    }
}

/// Keeps an answer's status and drops the rest.
private final class StatusSink: ResponseSink {
    private let seen = Mutex<HTTPResponse.Status?>(nil)

    var status: HTTPResponse.Status? { seen.withLock { $0 } }

    func writeHead(_ head: HTTPResponse) async throws { seen.withLock { $0 = head.status } }
    func writeChunk(_ bytes: [UInt8]) async throws {}
    func finish(trailers: HTTPFields?) async throws {}
}
