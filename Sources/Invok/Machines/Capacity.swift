/// What a machine has for instances, and who holds it: admission control by reservation, so that nothing is promised
/// twice.
///
/// A machine: an instance's share is reserved before it starts, and released when it is gone.
struct Capacity: Sendable {
    /// Why an instance gets no share now.
    enum Obstacle: Hashable, Sendable {
        /// All that the machine has is held by others.
        case machine
        case quota(QuotaExcess)
    }

    private struct Reservation {
        let owner: Namespace
        let share: Resources
    }

    let total: Resources
    private(set) var used = Resources.none
    private var usedBy: [Namespace: Resources] = [:]
    private var reservations: [InstanceID: Reservation] = [:]

    init(_ total: Resources) { self.total = total }

    func used(by owner: Namespace) -> Resources { usedBy[owner] ?? .none }

    /// - Returns: `nil` when the share can be reserved.
    func obstacle(to share: Resources, of owner: Namespace, within quota: Quota) -> Obstacle? {
        let own = used(by: owner)
        let held = [
            (Quota.Name.instances, own.instances, share.instances, 1), (.memoryMB, own.memoryMB, share.memoryMB, 1),
            (.cpus, own.milliCPUs, share.milliCPUs, 1000),
        ]
        for (name, used, more, unit) in held where quota[name] < Quota.unlimited / unit {
            guard used + more > quota[name] * unit else { continue }
            return .quota(QuotaExcess(name, value: quota[name], used: (used + unit - 1) / unit))
        }
        return share.fits(into: total, besides: used) ? nil : .machine
    }

    /// Whether the instance has a share.
    func holds(_ id: InstanceID) -> Bool { reservations[id] != nil }

    /// Gives the instance its share, whatever the limits: one that runs already is not denied it.
    mutating func reserve(_ share: Resources, for id: InstanceID, of owner: Namespace) {
        guard reservations.updateValue(Reservation(owner: owner, share: share), forKey: id) == nil else {
            return assertionFailure("\(id) has a share already")
        }
        used += share
        usedBy[owner, default: .none] += share
    }

    /// The instance is gone; nothing happens when it has no share.
    mutating func release(_ id: InstanceID) {
        guard let reservation = reservations.removeValue(forKey: id) else { return }
        used -= reservation.share
        usedBy[reservation.owner, default: .none] -= reservation.share
        if usedBy[reservation.owner] == Resources.none { usedBy[reservation.owner] = nil }
    }
}
