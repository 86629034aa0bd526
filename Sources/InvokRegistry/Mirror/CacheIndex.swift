import Invok

/// Which packages are kept, and which of them goes first: a least-recently-used list bounded by bytes. Pure.
struct CacheIndex: Sendable {
    private struct Entry: Sendable {
        var bytes: Int
        var lastUse: UInt64
        /// When a registry last said that it is still so.
        var checked: Instant?
    }

    private let limitBytes: Int
    private var entries: [String: Entry] = [:]
    private var uses: UInt64 = 0
    private(set) var bytes = 0

    init(limitBytes: Int) { self.limitBytes = limitBytes }

    var count: Int { entries.count }

    /// Counts one that is there now, in the place of one of the same key.
    /// - Parameter checked: when it came from a registry; `nil` for before this process.
    /// - Returns: the keys of those that have to go, the longest unused first. Never the new one.
    mutating func add(_ key: String, bytes count: Int, checked: Instant?) -> [String] {
        remove(key)
        uses += 1
        entries[key] = Entry(bytes: count, lastUse: uses, checked: checked)
        bytes += count
        guard bytes > limitBytes else { return [] }
        var gone: [String] = []
        // Some more than needed, so that not every one that comes has all looked through.
        for (other, _) in entries.sorted(by: { $0.value.lastUse < $1.value.lastUse }) where other != key {
            guard bytes > limitBytes - limitBytes / 16 else { break }
            remove(other)
            gone.append(other)
        }
        return gone
    }

    mutating func use(_ key: String) {
        uses += 1
        entries[key]?.lastUse = uses
    }

    mutating func check(_ key: String, at now: Instant) { entries[key]?.checked = now }

    mutating func remove(_ key: String) {
        if let old = entries.removeValue(forKey: key) { bytes -= old.bytes }
    }

    /// Whether a registry said so at most that long ago.
    func isFresh(_ key: String, within limit: Duration, now: Instant) -> Bool {
        guard let checked = entries[key]?.checked else { return false }
        return checked.duration(to: now) <= limit
    }
}
