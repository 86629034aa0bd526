/// One line of a function's log.
public struct LogLine: Hashable, Sendable {
    public enum Source: String, Sendable, Hashable, CaseIterable, Codable {
        case stdout
        case stderr
        /// Invok itself: starts, stops, crashes.
        case platform
    }

    /// Longer lines are cut there, and end with a mark that says by how much.
    public static let maximumBytes = 256 * 1024
    /// No mark is longer.
    private static let maximumMarkBytes = 64

    public let time: Timestamp
    public let source: Source
    /// The instance that wrote it; `nil` for lines of the platform about the function as a whole.
    public let instance: InstanceID?
    /// As it was printed, control characters included: whoever shows it to a terminal escapes it there.
    public let text: String

    public init(time: Timestamp, source: Source, instance: InstanceID?, text: String) {
        self.time = time
        self.source = source
        self.instance = instance
        self.text = text
    }

    /// What was printed as text, cut between two characters.
    /// - Parameters:
    ///   - bytes: what is not UTF-8 in it is replaced.
    ///   - missing: how many bytes more there were.
    package static func text(_ bytes: [UInt8], missing: Int = 0) -> String {
        guard bytes.count > maximumBytes || missing > 0 else { return String(decoding: bytes, as: UTF8.self) }
        let end = wholeCharacters(bytes.prefix(maximumBytes))
        let left = PlainText.number(bytes.count - end + missing)
        return "\(String(decoding: bytes[..<end], as: UTF8.self)) … [\(left) bytes cut]"
    }

    /// Where the last character ends that is there as a whole.
    private static func wholeCharacters(_ bytes: ArraySlice<UInt8>) -> Int {
        guard let lead = bytes.suffix(4).lastIndex(where: { $0 & 0xC0 != 0x80 }) else { return bytes.endIndex }
        let length = bytes[lead] < 0xC0 ? 1 : bytes[lead] < 0xE0 ? 2 : bytes[lead] < 0xF0 ? 3 : 4
        return lead + length > bytes.endIndex ? lead : bytes.endIndex
    }

    /// The line, cut where it is longer than lines may be.
    package var capped: LogLine {
        guard text.utf8.count > Self.maximumBytes + Self.maximumMarkBytes else { return self }
        return LogLine(time: time, source: source, instance: instance, text: Self.text(Array(text.utf8)))
    }
}

/// Where in a function's log a line stands; grows by one with each line and is never used again.
public struct LogCursor: Hashable, Sendable, Comparable, Codable {
    public let sequence: UInt64

    public init(sequence: UInt64) { self.sequence = sequence }

    public static func < (left: Self, right: Self) -> Bool { left.sequence < right.sequence }
}

public struct LogEntry: Hashable, Sendable {
    public let cursor: LogCursor
    public let line: LogLine

    public init(cursor: LogCursor, line: LogLine) {
        self.cursor = cursor
        self.line = line
    }
}
