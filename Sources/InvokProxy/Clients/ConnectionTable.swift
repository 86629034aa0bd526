import Invok

/// The connections that are open, by their address: admission control with eviction by segmented LRU (Karedla, Love and
/// Wherry 1994).
///
/// When there are too many in all, or of one address, an idle one makes room, one of the address itself where it is the
/// address that has too many: of those that have never been answered the one that has been idle for longest, and of the
/// others only where there is none of these. So a crowd that connects and says nothing replaces itself and not those who
/// come back to a connection they keep. A connection is idle unless a whole request of it waits for its answer, so that one
/// which sends a head by the byte goes as one that sends nothing. Where all are at work the new one is refused.
struct ConnectionTable<ID: Hashable> {
    private struct Entry {
        let address: AddressRange?
        /// Whether it has had an answer.
        var isProven = false
        /// Counts up; `nil` while a request is at work.
        var idleSince: UInt64?

        /// Who goes first: the lesser.
        var rank: (Int, UInt64)? { idleSince.map { (isProven ? 1 : 0, $0) } }
    }

    /// Connections by when they became idle. One that is out of date is passed over.
    private struct IdleQueue {
        var ids: [(id: ID, since: UInt64)] = []
        var first = 0

        /// What is out of date is thrown away once it is the most.
        mutating func append(_ id: ID, _ since: UInt64, among entries: [ID: Entry]) {
            ids.append((id, since))
            guard ids.count > 2 * entries.count + 64 else { return }
            ids = ids[first...].filter { entries[$0.id]?.idleSince == $0.since }
            first = 0
        }

        mutating func removeFirst(among entries: [ID: Entry]) -> ID? {
            while first < ids.count {
                let (id, since) = ids[first]
                first += 1
                if entries[id]?.idleSince == since { return id }
            }
            return nil
        }
    }

    private let limit: Int
    private let limitPerAddress: Int
    private var entries: [ID: Entry] = [:]
    private var byAddress: [AddressRange: Set<ID>] = [:]
    private var unproven = IdleQueue()
    private var proven = IdleQueue()
    private var ticks: UInt64 = 0

    init(limit: Int, limitPerAddress: Int) {
        self.limit = limit
        self.limitPerAddress = limitPerAddress
    }

    var count: Int { entries.count }
    /// What is kept besides, out of date or not.
    var remembered: Int { unproven.ids.count + proven.ids.count + byAddress.count }

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
            evicted = others.compactMap { id in entries[id]?.rank.map { (id, $0) } }.min { $0.1 < $1.1 }?.0
            guard evicted != nil else { return .refused }
        } else if entries.count >= limit {
            evicted = unproven.removeFirst(among: entries) ?? proven.removeFirst(among: entries)
            guard evicted != nil else { return .refused }
        }
        if let evicted { onClosed(evicted) }
        entries[id] = Entry(address: address)
        if let address { byAddress[address, default: []].insert(id) }
        setIdle(id)
        return evicted.map { .admittedInsteadOf($0) } ?? .admitted
    }

    mutating func onBusy(_ id: ID) { entries[id]?.idleSince = nil }

    /// Its request has been answered.
    mutating func onIdle(_ id: ID) {
        entries[id]?.isProven = true
        setIdle(id)
    }

    private mutating func setIdle(_ id: ID) {
        guard let isProven = entries[id]?.isProven else { return }
        ticks += 1
        entries[id]?.idleSince = ticks
        if isProven { proven.append(id, ticks, among: entries) } else { unproven.append(id, ticks, among: entries) }
    }

    mutating func onClosed(_ id: ID) {
        guard let entry = entries.removeValue(forKey: id), let address = entry.address else { return }
        byAddress[address]?.remove(id)
        if byAddress[address]?.isEmpty == true { byAddress[address] = nil }
    }
}
