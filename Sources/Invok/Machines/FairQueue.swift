/// A semaphore with a fair queue: a number of places, and of those that wait for one the owners take turns (round robin).
/// While somebody else waits, an owner gets no more than its share of the places.
///
/// A machine: whoever drives it puts elements in, asks for the next one until there is none, and gives places back.
struct FairQueue<Owner: Hashable & Sendable, Element: Hashable & Sendable>: Sendable {
    private var free: Int
    private let share: Int
    /// Who holds how many places.
    private(set) var held: [Owner: Int] = [:]
    private var waiting: [Owner: [Element]] = [:]
    /// The owners that have something waiting, in the order of their turns.
    private var turns: [Owner] = []

    /// - Parameters:
    ///   - places: how many may be held at a time, at least 1.
    ///   - share: how many of them an owner gets while others wait; half of them, unless told.
    init(places: Int, share: Int? = nil) {
        free = max(1, places)
        self.share = max(1, share ?? places / 2)
    }

    /// Elements that wait, of all owners together.
    private(set) var count = 0

    /// Elements of one owner that wait.
    func count(of owner: Owner) -> Int { waiting[owner]?.count ?? 0 }

    var isEmpty: Bool { count == 0 }

    /// Places that nobody holds.
    var freePlaces: Int { free }

    mutating func append(_ element: Element, of owner: Owner) {
        if waiting[owner, default: []].isEmpty { turns.append(owner) }
        waiting[owner, default: []].append(element)
        count += 1
    }

    /// Takes an element out that does not wait any longer.
    /// - Returns: whether it waited.
    @discardableResult
    mutating func remove(_ element: Element, of owner: Owner) -> Bool {
        guard let index = waiting[owner]?.firstIndex(of: element) else { return false }
        take(index, of: owner)
        if waiting[owner] == nil { turns.removeAll { $0 == owner } }
        return true
    }

    /// Gives the place to the element whose turn it is; give it back with `leave`.
    /// - Parameter mayGo: whether the element may have a place now; one that may not keeps its turn.
    /// - Returns: `nil` when no place is free, or nothing waits that may have it.
    mutating func next(where mayGo: (Element) -> Bool = { _ in true }) -> (owner: Owner, element: Element)? {
        guard free > 0 else { return nil }
        var found: (turn: Int, index: Int)?
        for (turn, owner) in turns.enumerated() {
            guard let index = waiting[owner]?.firstIndex(where: mayGo) else { continue }
            if held[owner, default: 0] < share {
                found = (turn, index)
                break
            }
            // Over its share: only when nobody who is below it can use the place.
            if found == nil { found = (turn, index) }
        }
        guard let found else { return nil }
        let owner = turns.remove(at: found.turn)
        let element = take(found.index, of: owner)
        if waiting[owner] != nil { turns.append(owner) }
        free -= 1
        held[owner, default: 0] += 1
        return (owner, element)
    }

    /// What comes first in the order of turns, of those for which the condition holds.
    func first(where isMeant: (Element) -> Bool) -> Element? {
        for owner in turns {
            if let element = waiting[owner]?.first(where: isMeant) { return element }
        }
        return nil
    }

    /// Gives a place back.
    mutating func leave(_ owner: Owner) {
        guard let places = held[owner] else { return assertionFailure("a place of \(owner) was given back twice") }
        held[owner] = places > 1 ? places - 1 : nil
        free += 1
    }

    @discardableResult
    private mutating func take(_ index: Int, of owner: Owner) -> Element {
        var elements = waiting.removeValue(forKey: owner) ?? []
        let element = elements.remove(at: index)
        if !elements.isEmpty { waiting[owner] = elements }
        count -= 1
        return element
    }
}
