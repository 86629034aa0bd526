/// How much output is kept: so much a second, the rest is dropped, and the log says so.
package struct OutputBudget: Sendable {
    package let bytesPerSecond: Int
    private var windowStart: Instant
    private var used = 0
    private var dropped = 0

    package init(bytesPerSecond: Int, now: Instant) {
        self.bytesPerSecond = bytesPerSecond
        windowStart = now
    }

    package enum Decision: Hashable, Sendable {
        case keep
        /// Keep it, behind a line that says how many bytes are missing.
        case keepAfterGap(bytes: Int)
        /// The first that is dropped: the log shall say so now.
        case startDropping
        case drop
    }

    package mutating func spend(_ bytes: Int, now: Instant) -> Decision {
        if windowStart.duration(to: now) >= .seconds(1) {
            windowStart = now
            used = 0
        }
        guard used < bytesPerSecond else {
            defer { dropped += bytes }
            return dropped == 0 ? .startDropping : .drop
        }
        used += bytes
        return takeGap().map { .keepAfterGap(bytes: $0) } ?? .keep
    }

    /// Counts bytes that could not be kept for another reason.
    package mutating func drop(_ bytes: Int) { dropped += bytes }

    /// The bytes that were dropped and not yet spoken of; `nil` when there are none.
    package mutating func takeGap() -> Int? {
        defer { dropped = 0 }
        return dropped > 0 ? dropped : nil
    }
}
