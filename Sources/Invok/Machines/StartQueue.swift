/// The starts of all versions that wait for their turn: a semaphore whose places the namespaces take in turns
/// (`FairQueue`), with the machine's `Capacity` behind it.
///
/// A machine, driven by `Fleet`. A start has a place until its process runs, for a second at most: whatever it does from
/// then on delays nobody else. Its share of the capacity it holds until it is gone. Starts for which requests wait go
/// before those that only keep a minimum, and the last place is for them alone.
struct StartQueue: Sendable {
    struct Start: Hashable, Sendable {
        let version: VersionKey
        let id: InstanceID
        let share: Resources

        var owner: Namespace { version.function.namespace }
    }

    /// How long a start may have a place.
    static let placeLimit = Duration.seconds(1)

    private(set) var capacity: Capacity
    private var queue: FairQueue<Namespace, Start>
    private var waiting: [InstanceID: Start] = [:]
    /// Since when starts have their places; the oldest first.
    private var places: [(start: Start, since: Instant)] = []
    private let kept: Int

    /// - Parameter places: starts at a time, at least 1.
    init(places: Int, capacity: Resources) {
        self.capacity = Capacity(capacity)
        queue = FairQueue(places: places)
        kept = places > 1 ? 1 : 0
    }

    /// Starts that wait, and those that have a place.
    var waitingCount: Int { waiting.count }
    var placeCount: Int { places.count }

    /// - Returns: `false` for one that could never go, since the machine is too small for it.
    mutating func append(_ start: Start) -> Bool {
        guard start.share.fits(into: capacity.total) else { return false }
        guard waiting.updateValue(start, forKey: start.id) == nil else { return true }
        queue.append(start, of: start.owner)
        return true
    }

    /// An instance that runs already, started by an earlier core.
    mutating func adopt(_ start: Start) {
        if !capacity.holds(start.id) { capacity.reserve(start.share, for: start.id, of: start.owner) }
    }

    /// Gives the next start its place and its share.
    /// - Parameters:
    ///   - isUrgent: whether a request waits for it.
    ///   - quota: what its owner may hold.
    /// - Returns: `nil` when none can go now.
    mutating func next(
        now: Instant, isUrgent: (Start) -> Bool, quota: (Namespace) -> Quota
    ) -> Start? {
        let capacity = capacity
        func hasRoom(_ start: Start) -> Bool {
            capacity.obstacle(to: start.share, of: start.owner, within: quota(start.owner)) == nil
        }
        var next = queue.next { isUrgent($0) && hasRoom($0) }
        if next == nil, queue.freePlaces > kept { next = queue.next(where: hasRoom) }
        guard let start = next?.element else { return nil }
        waiting[start.id] = nil
        places.append((start, now))
        self.capacity.reserve(start.share, for: start.id, of: start.owner)
        return start
    }

    /// The urgent start whose turn it is and that lacks room, and its obstacle.
    func blocked(isUrgent: (Start) -> Bool, quota: (Namespace) -> Quota) -> Start? {
        queue.first { start in
            isUrgent(start)
                && capacity.obstacle(to: start.share, of: start.owner, within: quota(start.owner)) != nil
        }
    }

    /// What keeps a start of the version waiting, besides its turn; `nil` when none waits.
    func obstacle(of version: VersionKey, quota: Quota) -> Capacity.Obstacle? {
        guard let start = waiting.values.first(where: { $0.version == version }) else { return nil }
        return capacity.obstacle(to: start.share, of: start.owner, within: quota)
    }

    /// The process runs: others may start. Nothing happens when its place is gone already.
    mutating func onRunning(_ id: InstanceID) { leave { $0.start.id == id } }

    /// The instance is gone, or is not wanted any more.
    mutating func onGone(_ id: InstanceID) {
        if let start = waiting.removeValue(forKey: id) { queue.remove(start, of: start.owner) }
        leave { $0.start.id == id }
        capacity.release(id)
    }

    mutating func onTick(now: Instant) { leave { $0.since.advanced(by: Self.placeLimit) <= now } }

    /// When `onTick` has something to do.
    var nextDue: Instant? { places.first?.since.advanced(by: Self.placeLimit) }

    private mutating func leave(where isOver: ((start: Start, since: Instant)) -> Bool) {
        for place in places where isOver(place) { queue.leave(place.start.owner) }
        places.removeAll(where: isOver)
    }
}
