import Foundation
import Testing

/// The worlds that a scenario runs on. `WORLDS=sim,embedded` selects some.
enum WorldName: String, CaseIterable, Sendable, CustomTestStringConvertible {
    /// The simulation: the server above its sockets over simulated adapters, in one thread, from several seeds.
    case sim
    /// The server as a person runs it, a process of its own: SQLite, sandboxes, files.
    case embedded
    /// The server on PostgreSQL, Redis and Docker Engine, which `DATABASE_URL`, `REDIS_URL` and `DOCKER_HOST` name. Runs
    /// when it is asked for only, as `ci/test` does.
    case production
    /// The server at `INVOK_URL`, which runs already. Scenarios that end the server do not run there.
    case given

    var testDescription: String { rawValue }

    /// Those whose server a test may end.
    static let own = selected.filter { $0 != .given }

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
