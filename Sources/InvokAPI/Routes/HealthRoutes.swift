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
                method: .get, path: "/readyz", summary: "Whether functions are served, and which part is missing",
                success: .json(.reference("Readiness"), "They are, though perhaps without a part: 'degraded'"),
                others: [.json(.reference("Readiness"), "They are not", status: .serviceUnavailable)],
                handler: .open { _, context in
                    let readiness = system.readiness
                    known.log(readiness.parts, context.logger)
                    // What exactly is wrong is for the log; anybody may ask here.
                    let states = readiness.parts.mapValues { $0 == nil ? "ok" : "unavailable" }
                    return try .json(
                        Message(status: readiness.status.rawValue, parts: states),
                        status: readiness.status == .unavailable ? .serviceUnavailable : .ok)
                }),
        ]
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

    private struct Message: Encodable {
        let status: String
        let parts: [String: String]
    }
}
