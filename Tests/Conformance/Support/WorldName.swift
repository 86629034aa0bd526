import Foundation
import Testing

/// The worlds that a scenario runs on. `WORLDS=sim,embedded` selects some.
enum WorldName: String, CaseIterable, Sendable, CustomTestStringConvertible {
    /// The simulated adapters behind the real HTTP API, in this process.
    case sim
    /// The server as a person runs it, a process of its own: SQLite, sandboxes, files.
    case embedded
    /// The server on PostgreSQL and Redis, which `DATABASE_URL` and `REDIS_URL` name. Runs when it is asked for only.
    case production

    var testDescription: String { rawValue }

    static let selected: [WorldName] = {
        guard let text = ProcessInfo.processInfo.environment["WORLDS"], !text.isEmpty else {
            return [.sim, .embedded]
        }
        return text.split(separator: ",").map { name in
            guard let world = WorldName(rawValue: String(name)) else {
                preconditionFailure("WORLDS names '\(name)'; known are \(allCases.map(\.rawValue))")
            }
            return world
        }
    }()
}

/// Runs a scenario on the world's shared installation. Scenarios keep apart by having users of their own, as tenants do.
func scenario(
    _ name: String, on world: WorldName, _ body: (any Installation) async throws -> Void
) async throws {
    try await body(Installations.shared.installation(of: world))
    report(name, world)
}

/// Runs a scenario on an installation of its own, for what would disturb others.
func isolatedScenario(
    _ name: String, on world: WorldName, _ body: (any Installation) async throws -> Void
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

/// `ci/test` counts these lines.
private func report(_ name: String, _ world: WorldName) {
    print("world=\(world.rawValue) scenario=\(name.filter { $0 != "," && $0 != "'" }.replacing(" ", with: "-"))")
}
