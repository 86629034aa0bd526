/// All that is counted of the system, and what can be said of it now.
package struct SystemMetrics: Sendable {
    package let calls: CallLedger
    package let loads: [FunctionKey: FunctionLoad]
    package let fleet: FleetUse
    package let builds: BuildUse
    /// By the parts' names.
    package let parts: [(name: String, counts: PartCounts)]
    package let readiness: Readiness
}

/// What the instances of a function do.
package struct FunctionLoad: Hashable, Sendable {
    /// Those that start or stop included.
    package var instances = 0
    /// Calls that are answered or wait.
    package var requests = 0
}

/// What is used of what the machine has for instances.
package struct FleetUse: Hashable, Sendable {
    package var total: Resources
    package var used: Resources
    /// Instances that wait for their turn to start, or for room.
    package var startsWaiting: Int
    /// Calls that wait for an instance.
    package var callsWaiting: Int
}

/// The places for builds.
package struct BuildUse: Hashable, Sendable {
    package var running: Int
    package var waiting: Int
}

extension InvokSystem {
    package var metrics: SystemMetrics {
        let (loads, fleet) = dispatcher.use
        return SystemMetrics(
            calls: calls.current, loads: loads, fleet: fleet, builds: builds.use, parts: parts.current,
            readiness: readiness)
    }
}
