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

extension LogLine {
    /// The text without what could steer the terminal it is shown on, C1 controls and marks of direction included.
    package static func printable(_ bytes: [UInt8]) -> String {
        let text = PlainText.escaped(String(decoding: bytes, as: UTF8.self))
            .split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\\x0A")
        guard text.utf8.count > maximumBytes else { return text }
        // Escapes are longer than what they stand for; and no character is cut in two.
        var end = text.utf8.index(text.startIndex, offsetBy: maximumBytes)
        while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
        return String(text[..<end])
    }
}

public struct LogEntry: Hashable, Sendable {
    public let cursor: LogCursor
    public let line: LogLine

    public init(cursor: LogCursor, line: LogLine) {
        self.cursor = cursor
        self.line = line
    }
}
