import Invok

/// A call that a `SimClock` has to make.
package struct SimTimer: Hashable, Sendable, Comparable {
    let instant: Instant
    let number: UInt64

    package static func < (left: Self, right: Self) -> Bool {
        (left.instant, left.number) < (right.instant, right.number)
    }
}

/// The calls that a `SimClock` has to make, in their order.
struct SimTimers: Sendable {
    /// The next one is the last, since most that are added come soon.
    private var entries: [(timer: SimTimer, run: @Sendable () -> Void)] = []
    private var lastNumber: UInt64 = 0

    var first: Instant? { entries.last?.timer.instant }

    mutating func add(at instant: Instant, _ run: @escaping @Sendable () -> Void) -> SimTimer {
        lastNumber += 1
        let timer = SimTimer(instant: instant, number: lastNumber)
        entries.insert((timer, run), at: index(of: timer))
        return timer
    }

    /// Nothing happens if its call was made.
    mutating func remove(_ timer: SimTimer) {
        let index = index(of: timer)
        if index < entries.count, entries[index].timer == timer { entries.remove(at: index) }
    }

    mutating func takeFirst(through instant: Instant) -> (@Sendable () -> Void)? {
        guard let first, first <= instant else { return nil }
        return entries.removeLast().run
    }

    /// Where it is, or belongs: behind all that come later.
    private func index(of timer: SimTimer) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].timer > timer { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
