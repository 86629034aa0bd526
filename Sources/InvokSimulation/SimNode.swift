import Invok
import InvokSim
import Logging
import Synchronization

/// A machine that runs a core: the core comes and goes, the machine's instances may outlive it.
final class SimNode: Sendable {
    struct Life: Sendable {
        let core: SimCore
        let system: InvokSystem
        let server: any SimServer
        /// The server on the network; `nil` where requests come without bytes.
        let byteServer: SimByteServer?
        /// What the core does by itself.
        let work: Task<Void, Never>

        /// Whether it answers no request, once it takes none any more.
        var isDone: Bool { core.requestCount == 0 && byteServer?.hasEnded ?? true }
    }

    /// How long a core that ends in good order waits for what it answers.
    private static let drainLimit = SystemSimulation.answerLimit

    let name: String
    let engine: SimContainerEngine
    let processors: SimQueue
    let disk: SimDisk
    let builder: SimFunctionBuilder
    private let makeWorld: @Sendable (SimContainerEngine, _ life: String, _ transport: any InstanceTransport) -> World
    private let bytes: SimBytes?
    private let makeServer: SimServerMaker
    private let settings: SystemSettings
    private let clock: SimClock
    private let effects: SimEffects
    private let checker: SimChecker
    private let current = Mutex<Life?>(nil)
    private let lives = Mutex(0)

    init(
        name: String, engine: SimContainerEngine, builder: SimFunctionBuilder, processors: SimQueue, disk: SimDisk,
        settings: SystemSettings, clock: SimClock, effects: SimEffects, checker: SimChecker,
        bytes: SimBytes?, makeServer: @escaping SimServerMaker,
        makeWorld: @escaping @Sendable (SimContainerEngine, String, any InstanceTransport) -> World
    ) {
        self.name = name
        self.engine = engine
        self.processors = processors
        self.disk = disk
        self.builder = builder
        self.settings = settings
        self.clock = clock
        self.effects = effects
        self.bytes = bytes
        self.makeServer = makeServer
        self.checker = checker
        self.makeWorld = makeWorld
    }

    /// The core that serves; `nil` while there is none.
    var life: Life? { current.withLock { $0 } }

    /// Starts cores until one has recovered.
    func boot() async {
        while true {
            let number = lives.withLock { lives in
                lives += 1
                return lives
            }
            let core = SimCore(name: "\(name).\(number)")
            effects.note("\(core.name) starts")
            checker.onBoot(core.name)
            let logger = Logger(label: core.name) { [checker] _ in SimLogHandler(checker: checker) }
            let process = bytes?.process(of: core)
            let transport: any InstanceTransport =
                process?.transport ?? SimTransport(engine: engine, clock: clock, effects: effects)
            let system = InvokSystem(
                world: makeWorld(engine, core.name, transport), settings: settings, logger: logger)
            let isRecovered = await core.serve { () async -> Bool in
                do throws(InvokError) {
                    try await system.recover()
                    return true
                } catch {
                    return false
                }
            }
            if isRecovered == true {
                let work = core.start { await system.run() }
                let life = Life(
                    core: core, system: system, server: makeServer(system),
                    byteServer: await process?.serve(system), work: work)
                current.withLock { $0 = life }
                return
            }
            core.crash()
            checker.mark("core did not recover at once")
            try? await clock.sleep(until: clock.now().advanced(by: .seconds(1)))
        }
    }

    private func takeLife() -> Life? { current.withLock { $0.take() } }

    /// Ends what the core does by itself; whoever calls it is answered all the same.
    func stop() async {
        guard let life else { return }
        life.work.cancel()
        await life.work.value
    }

    /// Ends the core where it stands.
    /// - Parameter takesInstances: whether the machine's instances end too.
    /// - Returns: `false` when there was none.
    func crash(takesInstances: Bool) async -> Bool {
        guard let life = takeLife() else { return false }
        effects.note("\(life.core.name) crashes")
        life.core.crash()
        if takesInstances { for instance in engine.running { await engine.crash(instance.id) } }
        return true
    }

    /// Ends the core in good order: it takes nothing new, answers what it has, and stops.
    /// - Parameter takesInstances: whether the core's process stops its instances, as one with sandboxes must.
    /// - Returns: `false` when there was none.
    func drain(takesInstances: Bool) async -> Bool {
        guard let life = takeLife() else { return false }
        effects.note("\(life.core.name) drains")
        life.core.close()
        life.byteServer?.stop()
        let limit = clock.now().advanced(by: Self.drainLimit)
        while !life.isDone, clock.now() < limit {
            try? await clock.sleep(until: clock.now().advanced(by: .milliseconds(50)))
        }
        checker.require(life.isDone, "\(life.core.name) still answers requests after \(Self.drainLimit)")
        life.work.cancel()
        await life.work.value
        if takesInstances {
            for instance in engine.running { await engine.stop(instance.id, grace: settings.stopGrace) }
        }
        life.core.crash()
        return true
    }
}

/// Marks what the system writes into its log: the ways back from faults leave a line there.
private struct SimLogHandler: LogHandler {
    let checker: SimChecker
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.debug

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { checker.mark("log: \(event.message)") }
}
