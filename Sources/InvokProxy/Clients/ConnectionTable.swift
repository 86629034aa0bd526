/// The connections that are open, by their address: admission control with eviction of the least recently used.
///
/// When there are too many in all, or of one address, the one that has been idle for longest makes room, one of the address
/// itself where it is the address that has too many. A connection is idle unless a whole request of it waits for its answer,
/// so that one which sends nothing, or a head by the byte, goes first. Where all are at work the new one is refused.
struct ConnectionTable<ID: Hashable> {
    private struct Entry {
        let address: AddressRange?
        /// Counts up; `nil` while a request is at work.
        var idleSince: UInt64?
    }

    private let limit: Int
    private let limitPerAddress: Int
    private var entries: [ID: Entry] = [:]
    private var byAddress: [AddressRange: Set<ID>] = [:]
    /// By when they became idle. An entry that is out of date is passed over.
    private var idle: [(id: ID, since: UInt64)] = []
    private var firstIdle = 0
    private var ticks: UInt64 = 0

    init(limit: Int, limitPerAddress: Int) {
        self.limit = limit
        self.limitPerAddress = limitPerAddress
    }

    var count: Int { entries.count }
    /// What is kept besides, out of date or not.
    var remembered: Int { idle.count + byAddress.count }

    enum Admission: Equatable {
        case admitted
        /// That one has to be closed, and is not counted any more.
        case admittedInsteadOf(ID)
        case refused
    }

    /// - Parameter address: `nil` for one that is not limited by itself.
    mutating func onOpened(_ id: ID, from address: AddressRange?) -> Admission {
        var evicted: ID?
        if let address, let others = byAddress[address], others.count >= limitPerAddress {
            evicted = others.compactMap { id in entries[id]?.idleSince.map { (id, $0) } }.min { $0.1 < $1.1 }?.0
            guard evicted != nil else { return .refused }
        } else if entries.count >= limit {
            evicted = longestIdle()
            guard evicted != nil else { return .refused }
        }
        if let evicted { onClosed(evicted) }
        entries[id] = Entry(address: address, idleSince: nil)
        if let address { byAddress[address, default: []].insert(id) }
        onIdle(id)
        return evicted.map { .admittedInsteadOf($0) } ?? .admitted
    }

    mutating func onBusy(_ id: ID) { entries[id]?.idleSince = nil }

    mutating func onIdle(_ id: ID) {
        guard entries[id] != nil else { return }
        ticks += 1
        entries[id]?.idleSince = ticks
        idle.append((id, ticks))
        // What is out of date is thrown away once it is the most.
        if idle.count > 2 * entries.count + 64 {
            idle = idle[firstIdle...].filter { entries[$0.id]?.idleSince == $0.since }
            firstIdle = 0
        }
    }

    mutating func onClosed(_ id: ID) {
        guard let entry = entries.removeValue(forKey: id), let address = entry.address else { return }
        byAddress[address]?.remove(id)
        if byAddress[address]?.isEmpty == true { byAddress[address] = nil }
    }

    private mutating func longestIdle() -> ID? {
        while firstIdle < idle.count {
            let (id, since) = idle[firstIdle]
            firstIdle += 1
            if entries[id]?.idleSince == since { return id }
        }
        return nil
    }
}
