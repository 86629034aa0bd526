/// One line of a function's log, the `data` of a server-sent event or an element of a JSON list.
public struct LogMessage: Hashable, Sendable, Codable {
    /// RFC 3339, UTC.
    public var time: String
    public var source: LogLine.Source
    public var instance: String?
    public var text: String
    /// The event's `id`: send it as `Last-Event-ID` to go on behind it.
    public var cursor: UInt64

    public init(_ entry: LogEntry) {
        time = entry.line.time.description
        source = entry.line.source
        instance = entry.line.instance?.description
        text = entry.line.text
        cursor = entry.cursor.sequence
    }
}
