/// A bounded map that evicts by CLOCK, the second-chance approximation of LRU (Corbató 1968): what was read since the
/// hand last came by stays.
struct ClockCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Slot {
        let key: Key
        var value: Value
        var isUsed: Bool
    }

    private let capacity: Int
    private var slots: [Slot] = []
    private var places: [Key: Int] = [:]
    private var hand = 0

    /// - Parameter capacity: the most entries that are kept, at least 1.
    init(capacity: Int) { self.capacity = max(1, capacity) }

    var count: Int { slots.count }

    /// What is kept, in an order that only the calls decide, and without counting as a use.
    var entries: [(key: Key, value: Value)] { slots.map { ($0.key, $0.value) } }

    /// Reads an entry, which gives it a second chance.
    mutating func value(for key: Key) -> Value? {
        guard let place = places[key] else { return nil }
        slots[place].isUsed = true
        return slots[place].value
    }

    /// Adds or replaces an entry; when there is no room, one goes that was not read for long.
    mutating func set(_ value: Value, for key: Key) {
        if let place = places[key] {
            slots[place].value = value
        } else if slots.count < capacity {
            places[key] = slots.count
            slots.append(Slot(key: key, value: value, isUsed: false))
        } else {
            let place = takePlace()
            places[slots[place].key] = nil
            places[key] = place
            slots[place] = Slot(key: key, value: value, isUsed: false)
        }
    }

    mutating func remove(_ key: Key) {
        guard let place = places.removeValue(forKey: key) else { return }
        let last = slots.removeLast()
        guard place < slots.count else { return }
        slots[place] = last
        places[last.key] = place
    }

    /// Moves the hand to the next entry that was not read since it last came by.
    private mutating func takePlace() -> Int {
        while true {
            if hand >= slots.count { hand = 0 }
            defer { hand += 1 }
            guard slots[hand].isUsed else { return hand }
            slots[hand].isUsed = false
        }
    }
}
