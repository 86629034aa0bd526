/// Whether requests should be sent to this system, part by part.
public struct Readiness: Hashable, Sendable {
    public enum Status: String, CaseIterable, Sendable {
        case ok
        /// Something is missing, and functions are served all the same: a load balancer that took the core away would
        /// make it worse.
        case degraded
        /// There is nothing that could be served.
        case unavailable
    }

    public let status: Status
    /// Each part that the system needs, with what is wrong with it, or `nil`.
    public let parts: [String: String?]

    /// - Parameter knowsFunctions: whether there are functions that answer without asking the store.
    init(parts: [String: String?], knowsFunctions: Bool) {
        self.parts = parts
        let missing = Set(parts.compactMapValues(\.self).keys)
        // The cache is never needed, and the store and the engine only for what is not known or does not run yet.
        status =
            if missing.isEmpty { .ok } else if knowsFunctions || missing == ["cache"] { .degraded } else {
                .unavailable
            }
    }
}
