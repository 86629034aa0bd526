import HTTPTypes
import Hummingbird
import Invok
import Logging
import Synchronization

/// For load balancers and operators.
enum HealthRoutes {
    static func routes(_ system: InvokSystem) -> [Route] {
        let known = KnownProblems()
        return [
            Route(
                method: .get, path: "/healthz", summary: "Whether the process is up",
                success: .json(.reference("Health"), "It is"),
                handler: .open { _, _ in try .json(["status": "ok"]) }),
            Route(
                method: .get, path: "/readyz", summary: "Whether the parts that the server needs serve",
                success: .json(.reference("Health"), "They do"), problems: [.unavailable],
                handler: .open { _, context in
                    let parts = await system.readiness()
                    known.log(parts, context.logger)
                    // What exactly is wrong is for the log; anybody may ask here.
                    let states = parts.mapValues { $0 == nil ? "ok" : "unavailable" }
                    let status = Self.status(states)
                    return try .json(
                        Readiness(status: status, parts: states),
                        status: status == "unavailable" ? .serviceUnavailable : .ok)
                }),
        ]
    }

    /// Without its cache the server serves all there is, so a load balancer shall go on sending requests.
    private static func status(_ states: [String: String]) -> String {
        if states.values.allSatisfy({ $0 == "ok" }) { return "ok" }
        return states.allSatisfy { $0.value == "ok" || $0.key == "cache" } ? "degraded" : "unavailable"
    }

    /// What was wrong when it was last asked for: the log tells what is new, not each time that a probe asks.
    private final class KnownProblems: Sendable {
        private let known = Mutex<Set<String>>([])

        func log(_ parts: [String: String?], _ logger: Logger) {
            let problems = parts.compactMapValues(\.self)
            let new = known.withLock { known in
                defer { known = Set(problems.keys) }
                return problems.filter { !known.contains($0.key) }
            }
            for (part, problem) in new {
                logger.warning("not ready", metadata: ["part": "\(part)", "error": "\(problem)"])
            }
        }
    }

    private struct Readiness: Encodable {
        let status: String
        let parts: [String: String]
    }
}
