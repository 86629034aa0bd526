/// One line of a function's log.
public struct LogLine: Hashable, Sendable {
    public enum Source: String, Sendable, Hashable, CaseIterable, Codable {
        case stdout
        case stderr
        /// Invok itself: starts, stops, crashes.
        case platform
    }

    /// Longer lines are cut.
    public static let maximumBytes = 16 * 1024

    public let time: Timestamp
    public let source: Source
    /// The instance that wrote it; `nil` for lines of the platform about the function as a whole.
    public let instance: InstanceID?
    public let text: String

    public init(time: Timestamp, source: Source, instance: InstanceID?, text: String) {
        self.time = time
        self.source = source
        self.instance = instance
        self.text = text
    }
}

/// Where in a function's log a line stands; grows by one with each line and is never used again.
public struct LogCursor: Hashable, Sendable, Comparable, Codable {
    public let sequence: UInt64

    public init(sequence: UInt64) { self.sequence = sequence }

    public static func < (left: Self, right: Self) -> Bool { left.sequence < right.sequence }
}
