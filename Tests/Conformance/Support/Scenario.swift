import InvokSim

/// Runs a scenario on the world's shared installation. Scenarios keep apart by having users of their own, as tenants do.
/// In the simulation each has an installation for each seed, and in production one of its own.
/// - Parameter onBytes: whether it goes over the simulation's network under every other seed, whose functions take no upgrades.
func scenario(
    _ name: String, on world: WorldName, onBytes: Bool = true,
    _ body: @escaping @Sendable (any Installation) async throws -> Void
) async throws {
    switch world {
    case .sim: try await seededScenario(name, onBytes: onBytes, body)
    case .embedded:
        try await body(Installations.shared.installation(of: world))
        report(name, world)
    case .given: try await Places.containers.with { try await servedScenario(name, world, body) }
    // What it leaves in Docker goes with its installation.
    case .production: try await isolatedScenario(name, on: world, body)
    }
}

/// Runs a scenario on an installation of its own, for what would disturb others.
func isolatedScenario(
    _ name: String, on world: WorldName, _ body: @escaping @Sendable (any Installation) async throws -> Void
) async throws {
    switch world {
    case .sim: try await seededScenario(name, body)
    case .embedded, .given: try await servedScenario(name, world, body)
    case .production: try await Places.containers.with { try await servedScenario(name, world, body) }
    }
}

private func servedScenario(
    _ name: String, _ world: WorldName, _ body: @Sendable (any Installation) async throws -> Void
) async throws {
    let installation = try await Installations.start(world)
    do {
        try await body(installation)
    } catch {
        await installation.stop()
        throw error
    }
    await installation.stop()
    report(name, world)
}

private func seededScenario(
    _ name: String, onBytes: Bool = true, _ body: @escaping @Sendable (any Installation) async throws -> Void
) async throws {
    let hash = try await SeededRun.eachSeed(onBytes: onBytes, body)
    report(name, .sim, " seeds=\(SeededRun.seeds.count) hash=\(String(hash.value, radix: 16))")
}

/// `ci/test` counts these lines.
private func report(_ name: String, _ world: WorldName, _ more: String = "") {
    let name = name.filter { $0 != "," && $0 != "'" }.replacing(" ", with: "-")
    print("world=\(world.rawValue) scenario=\(name)\(more)")
}

/// One shared installation of each world that has servers, started when first asked for.
private actor Installations {
    static let shared = Installations()

    private var running: [WorldName: Task<any Installation, any Error>] = [:]

    func installation(of world: WorldName) async throws -> any Installation {
        let task = running[world] ?? Task { try await Self.start(world) }
        running[world] = task
        return try await task.value
    }

    static func start(_ world: WorldName) async throws -> any Installation {
        switch world {
        case .sim: preconditionFailure("the simulation has no servers")
        case .embedded: try await EmbeddedInstallation.start()
        case .production: try await ProductionInstallation.start()
        case .given: try GivenInstallation()
        }
    }
}
