import Invok
import InvokHTTP
import InvokSim
import Logging
import ServiceLifecycle

/// The real services and HTTP API over simulated adapters. Its clock runs faster than the wall's, so that time-outs cost
/// little; deterministic runs are the simulation's own.
actor SimInstallation: Installation {
    private static let pace = Duration.milliseconds(1)
    private static let speed = 10

    private let sim: SimWorld
    private let time: Task<Void, Never>
    private var core: Task<Void, any Error>
    private let port: Int

    var url: String { "http://127.0.0.1:\(port)" }

    private init(sim: SimWorld, time: Task<Void, Never>, core: Task<Void, any Error>, port: Int) {
        self.sim = sim
        self.time = time
        self.core = core
        self.port = port
    }

    static func start() async throws -> SimInstallation {
        let sim = SimWorld(seed: 1)
        let time = Task {
            while !Task.isCancelled {
                try? await Task.sleep(for: pace)
                sim.clock.advance(by: pace * speed)
            }
        }
        let (core, port) = try await startCore(on: sim, port: 0)
        return SimInstallation(sim: sim, time: time, core: core, port: port)
    }

    func crashAndRestart() async throws {
        // Nothing is told and nothing is tidied: the tasks end where they are, and instances go with the machine.
        core.cancel()
        _ = await core.result
        for instance in try await sim.engine.list() { await sim.engine.stop(instance.id, grace: .zero) }
        (core, _) = try await Self.startCore(on: sim, port: port)
    }

    func stop() async {
        core.cancel()
        _ = await core.result
        time.cancel()
    }

    func expiredToken(of user: UserID) async throws -> String { try await sim.tokens.sign(.expired(user)) }

    private static func startCore(on sim: SimWorld, port: Int) async throws -> (Task<Void, any Error>, Int) {
        var settings = SystemSettings()
        settings.attemptsPerAddress = 100_000
        let logger = Logger(label: "sim") { _ in SwiftLogNoOpLogHandler() }
        let system = InvokSystem(world: sim.world, settings: settings, logger: logger)
        try await system.recover()
        let (listening, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = InvokServer(
            system: system, configuration: ServerConfiguration(host: "127.0.0.1", port: port), logger: logger,
            onListening: { continuation.yield($0) })
        let core = Task {
            defer { continuation.finish() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await system.run() }
                group.addTask { try await server.run() }
                try await group.next()
                group.cancelAll()
            }
        }
        for await port in listening { return (core, port) }
        try await core.value
        throw CancellationError()
    }
}
