import Invok
import Logging
import Synchronization

/// A machine that runs a core: the core comes and goes, the machine's instances may outlive it.
final class SimNode: Sendable {
    struct Life: Sendable {
        let core: SimCore
        let system: InvokSystem
        let server: any SimServer
        let work: Task<Void, Never>
    }

    let name: String
    let engine: SimContainerEngine
    private let makeWorld: @Sendable (_ engine: SimContainerEngine, _ life: String) -> World
    private let makeServer: SimServerMaker
    private let settings: SystemSettings
    private let clock: SimClock
    private let effects: SimEffects
    private let current = Mutex<Life?>(nil)
    private let lives = Mutex(0)

    init(
        name: String, engine: SimContainerEngine, settings: SystemSettings, clock: SimClock, effects: SimEffects,
        makeServer: @escaping SimServerMaker,
        makeWorld: @escaping @Sendable (SimContainerEngine, String) -> World
    ) {
        self.name = name
        self.engine = engine
        self.settings = settings
        self.clock = clock
        self.effects = effects
        self.makeServer = makeServer
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
            let logger = Logger(label: core.name) { _ in SwiftLogNoOpLogHandler() }
            let system = InvokSystem(world: makeWorld(engine, core.name), settings: settings, logger: logger)
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
                let life = Life(core: core, system: system, server: makeServer(system), work: work)
                current.withLock { $0 = life }
                return
            }
            core.crash()
            try? await clock.sleep(until: clock.now().advanced(by: .seconds(1)))
        }
    }

    /// Ends what the core does by itself; whoever calls it is answered all the same.
    func stop() async {
        guard let life else { return }
        life.work.cancel()
        await life.work.value
    }

    /// Ends the core where it stands.
    /// - Parameter takesInstances: whether the machine's instances end too.
    func crash(takesInstances: Bool) async {
        let life = current.withLock { current in
            defer { current = nil }
            return current
        }
        guard let life else { return }
        effects.note("\(life.core.name) crashes")
        life.core.crash()
        if takesInstances { for instance in engine.running { await engine.crash(instance.id) } }
    }
}
