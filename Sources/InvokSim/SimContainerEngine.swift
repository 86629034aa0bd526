public import Invok
import InvokConcurrency
import Synchronization

/// A core's word that an instance is to end.
package struct SimStop: Sendable {
    package let spec: InstanceSpec
    /// `nil` for one from outside.
    package let core: String?
    /// Whether the instance takes requests and would answer its readiness check.
    package let isHealthy: Bool
    /// Whether the core has neither started it nor sent it anything.
    package let isFound: Bool
}

/// What an engine's instances are seen to do.
package struct SimInstanceEvents: Sendable {
    /// A start, with all instances of the machine that run then.
    package var onStart: @Sendable (_ spec: InstanceSpec, _ running: [InstanceSpec]) -> Void = { _, _ in }
    package var onStop: @Sendable (_ stop: SimStop) -> Void = { _ in }
    /// A request of a user, with the number of those that the instance has then.
    package var onRequest: @Sendable (_ id: String?, _ spec: InstanceSpec, _ inFlight: Int) -> Void = { _, _, _ in }
    /// A request of a user that no instance took.
    /// - Parameter late: how long before it was sent the core was told that the instance had ended; `nil` when it was not.
    package var onRefusal: @Sendable (_ id: String?, _ endpoint: InstanceEndpoint, _ late: Duration?) -> Void = {
        _, _, _ in
    }

    package init() {}
}

/// Runs simulated instances of what a `SimFunctionBuilder` has built. They outlive a simulated core.
public final class SimContainerEngine: ContainerEngine {
    /// Which core listens, and which ends it was told of.
    private struct Word {
        var listener: SimCore?
        var told: [InstanceEndpoint: Instant] = [:]
    }

    private let instances = Mutex<[InstanceID: SimInstance]>([:])
    /// The versions of which an instance was ever started.
    private let started = Mutex<Set<VersionKey>>([])
    private let ended = Broadcast<Int, InstanceExit>(buffer: 1024)
    private let word = Mutex(Word())
    private let obstacle = Mutex<String?>(nil)
    private let builder: SimFunctionBuilder
    private let logs: any LogStore
    private let clock: any Clock
    private let effects: SimEffects
    /// The machine's, on which instances start and answer; `nil` for as many as are needed.
    package let processors: SimQueue?
    package let events: SimInstanceEvents

    /// - Parameter logs: where the instances' stdout and stderr go.
    public convenience init(
        builder: SimFunctionBuilder, logs: any LogStore, clock: any Clock, effects: SimEffects = SimEffects()
    ) {
        self.init(builder: builder, logs: logs, clock: clock, effects: effects, events: SimInstanceEvents())
    }

    package init(
        builder: SimFunctionBuilder, logs: any LogStore, clock: any Clock, effects: SimEffects,
        processors: SimQueue? = nil, events: SimInstanceEvents
    ) {
        self.events = events
        self.processors = processors
        self.builder = builder
        self.logs = logs
        self.clock = clock
        self.effects = effects
    }

    // MARK: The port

    public func start(_ spec: InstanceSpec) async throws(EngineError) -> RunningInstance {
        await effects.work(below: .milliseconds(300), at: processors)
        if let time = builder.function(of: spec.bundle)?.startTime, time > .zero { await effects.rest(time) }
        let instance = try await effects.perform("engine.start", "\(spec.id)", failure: EngineError.unavailable) {
            () throws(EngineError) in try add(spec)
        }
        if let delay = effects.earlyDeath() { crash(spec.id, after: delay) }
        if instance.function.start == .crash { await crash(spec.id, reason: "exited with status 1") }
        return instance.running
    }

    public func stop(_ id: InstanceID, grace: Duration) async {
        let instance = await effects.perform("engine.stop", "\(id)") { instances.withLock { $0[id] } }
        guard let instance else { return }
        events.onStop(
            SimStop(
                spec: instance.spec, core: SimCore.current?.name, isHealthy: instance.isHealthy,
                isFound: instance.isFound))
        instance.refuseRequests()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await instance.waitUntilIdle() }
            group.addTask { [clock] in try? await clock.sleep(until: clock.now().advanced(by: grace)) }
            await group.next()
            group.cancelAll()
        }
        remove(id)
    }

    public func list() async throws(EngineError) -> [RunningInstance] {
        try await effects.perform("engine.list", failure: EngineError.unavailable) { () throws(EngineError) in running }
    }

    public func exits() -> AsyncStream<InstanceExit> {
        word.withLock { $0 = Word(listener: SimCore.current) }
        return ended.messages(on: 0)
    }

    public func egressObstacle() async throws(EngineError) -> String? {
        try await effects.perform("engine.egress", failure: EngineError.unavailable) { () throws(EngineError) in
            obstacle.withLock(\.self)
        }
    }

    public func prepare() async throws(EngineError) -> [String] {
        try await effects.perform("engine.prepare", failure: EngineError.unavailable) { () throws(EngineError) in [] }
    }

    // MARK: For tests and the simulation

    /// Makes this a machine on which no instance can have a network.
    package func refuseEgress(_ reason: String?) { obstacle.withLock { $0 = reason } }

    /// What runs now, by identifier.
    public var running: [RunningInstance] {
        instances.withLock { $0.values.map(\.running).sorted { $0.id < $1.id } }
    }

    /// What an instance was started with; `nil` when it does not run.
    public func spec(of id: InstanceID) -> InstanceSpec? { instances.withLock { $0[id]?.spec } }

    /// What runs of a bundle now.
    package func instances(of bundle: BundleID) -> [InstanceID] {
        instances.withLock { $0.values.filter { $0.spec.bundle == bundle }.map(\.spec.id).sorted() }
    }

    /// The requests that an instance answers now.
    public func requestCount(of id: InstanceID) -> Int { instances.withLock { $0[id] }?.requestCount ?? 0 }

    /// Ends an instance as if it had died by itself. Does nothing when there is none.
    /// - Parameter isTold: whether the core may hear of it.
    public func crash(_ id: InstanceID, reason: String = "was killed by signal 9", isTold: Bool = true) async {
        guard let instance = remove(id) else { return }
        if isTold, !effects.losesExit() {
            let now = clock.now()
            word.withLock { $0.told[instance.running.endpoint] = now }
            ended.send(InstanceExit(id: id, reason: reason), on: 0)
        }
        await log("the instance \(reason)", source: .stderr, of: instance)
    }

    /// The instance dies by itself, not by anything that the core does, so the task is nobody's child.
    private func crash(_ id: InstanceID, after delay: Duration) {
        SimCore.$current.withValue(nil) {
            _ = Task {
                try? await clock.sleep(until: clock.now().advanced(by: delay))
                effects.note("\(id) crashes")
                await crash(id)
            }
        }
    }

    // MARK: For the transport

    package func instance(at endpoint: InstanceEndpoint) -> SimInstance? {
        instances.withLock { $0.values.first { $0.running.endpoint == endpoint } }
    }

    /// When the running core was told of the end of what was there; `nil` when it was not.
    package func wasToldOfEnd(at endpoint: InstanceEndpoint, _ core: SimCore? = .current) -> Instant? {
        word.withLock { $0.listener === core ? $0.told[endpoint] : nil }
    }

    /// Prints lines to stdout, all at one instant, by the rules for what instances print. What waits for the end of the
    /// second is written without waiting for it.
    func print(_ lines: [String], of instance: SimInstance) async {
        let (now, time) = (clock.now(), clock.wallTime())
        let kept = lines.flatMap { instance.print($0 + "\n", now: now, time: time) } + instance.printRest(time: time)
        for line in kept { await write(line, of: instance) }
    }

    private func log(_ text: String, source: LogLine.Source, of instance: SimInstance) async {
        let line = LogLine(time: clock.wallTime(), source: source, instance: instance.spec.id, text: text)
        await write(line, of: instance)
    }

    /// Writes to the function's log; a log that does not take it does not stop the function.
    private func write(_ line: LogLine, of instance: SimInstance) async {
        try? await logs.append([line], to: instance.spec.version.function)
    }

    private func add(_ spec: InstanceSpec) throws(EngineError) -> SimInstance {
        guard let function = builder.function(of: spec.bundle) else { throw .startFailed("the bundle does not exist") }
        let isFirst = started.withLock { $0.insert(spec.version).inserted }
        let instance = SimInstance(spec: spec, function: function, isFirst: isFirst)
        instance.noteUse()
        let isNew = instances.withLock { instances in
            guard instances[spec.id] == nil else { return false }
            instances[spec.id] = instance
            events.onStart(spec, instances.values.map(\.spec))
            return true
        }
        guard isNew else { throw .startFailed("the instance \(spec.id) already runs") }
        return instance
    }

    @discardableResult
    private func remove(_ id: InstanceID) -> SimInstance? {
        let instance = instances.withLock { $0.removeValue(forKey: id) }
        instance?.end()
        return instance
    }
}
