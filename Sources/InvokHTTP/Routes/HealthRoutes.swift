import HTTPTypes
import Hummingbird
import Invok
import Logging

/// For load balancers and operators.
enum HealthRoutes {
    static func routes(_ system: InvokSystem) -> [Route] {
        [
            Route(
                method: .get, path: "/healthz", summary: "Whether the process is up",
                success: .json(.reference("Health"), "It is"),
                handler: .open { _, _ in try .json(["status": "ok"]) }),
            Route(
                method: .get, path: "/readyz", summary: "Whether the parts that the server needs serve",
                success: .json(.reference("Health"), "They do"), problems: [.unavailable],
                handler: .open { _, context in
                    let parts = await system.readiness()
                    for case (let part, let problem?) in parts {
                        context.logger.warning("not ready", metadata: ["part": "\(part)", "error": "\(problem)"])
                    }
                    // What exactly is wrong is for the log; anybody may ask here.
                    let states = parts.mapValues { $0 == nil ? "ok" : "unavailable" }
                    let isReady = states.values.allSatisfy { $0 == "ok" }
                    return try .json(
                        Readiness(status: isReady ? "ok" : "unavailable", parts: states),
                        status: isReady ? .ok : .serviceUnavailable)
                }),
        ]
    }

    private struct Readiness: Encodable {
        let status: String
        let parts: [String: String]
    }
}
