/// A reconciler's plan: brings what an engine lists in line with what should run.
///
/// A machine without a state. It starts nothing: an instance that is taken over counts in its version's pool before that
/// opens, and the pool starts what is missing then.
enum Reconciliation {
    struct Plan: Hashable, Sendable {
        /// Those to take over, whether they answer or not: that is found out while they are in quarantine.
        var adopt: [RunningInstance] = []
        /// Those that belong to nothing any more.
        var stop: [RunningInstance] = []
        /// Those that are gone, though nobody said so.
        var lost: [RunningInstance] = []
    }

    /// - Parameters:
    ///   - listed: what runs, as the engine says.
    ///   - expected: what this core took to run before it asked the engine.
    ///   - owned: the instances that this core starts, runs or ends, before or after it asked.
    ///   - wanted: the versions that answer, each with how many more instances it may have.
    static func plan(
        listed: [RunningInstance], expected: [RunningInstance], owned: Set<InstanceID>, wanted: [VersionKey: Int]
    ) -> Plan {
        var plan = Plan()
        var room = wanted
        for instance in listed where !owned.contains(instance.id) {
            if let left = room[instance.version], left > 0 {
                room[instance.version] = left - 1
                plan.adopt.append(instance)
            } else {
                plan.stop.append(instance)
            }
        }
        let running = Set(listed.map(\.id))
        plan.lost = expected.filter { !running.contains($0.id) }
        return plan
    }
}
