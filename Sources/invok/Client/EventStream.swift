import InvokModel

/// One event of a `text/event-stream`.
struct ServerEvent: Hashable, Sendable {
    var name = "message"
    var data = ""
    /// What to send as `Last-Event-ID` to go on behind it.
    var id: String?
}

/// Reads `text/event-stream` (WHATWG HTML §9.2) as it arrives, in pieces of any size.
struct EventStreamParser {
    /// A line that is longer is dropped; JSON takes six bytes for each of a log line at most.
    static let maximumLineBytes = 7 * LogLine.maximumBytes

    /// The last event's id, which stays until another comes.
    private(set) var lastEventID: String?
    private var line: [UInt8] = []
    private var isTooLong = false
    private var endedWithReturn = false
    private var isFirstLine = true
    private var data: [String] = []
    private var name = ""

    init(lastEventID: String? = nil) { self.lastEventID = lastEventID }

    /// Takes the next bytes.
    /// - Returns: the events that they complete.
    mutating func feed(_ bytes: some Sequence<UInt8>) -> [ServerEvent] {
        var events: [ServerEvent] = []
        for byte in bytes {
            let followsReturn = endedWithReturn
            endedWithReturn = byte == UInt8(ascii: "\r")
            switch byte {
            case UInt8(ascii: "\n") where followsReturn: break
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                if let event = endLine() { events.append(event) }
            default:
                if line.count < Self.maximumLineBytes { line.append(byte) } else { isTooLong = true }
            }
        }
        return events
    }

    private mutating func endLine() -> ServerEvent? {
        defer {
            line.removeAll(keepingCapacity: true)
            isTooLong = false
            isFirstLine = false
        }
        if isTooLong { return nil }
        if isFirstLine, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        guard !line.isEmpty else { return dispatch() }
        let field = line.prefix { $0 != UInt8(ascii: ":") }
        var value = line[field.endIndex...].dropFirst()
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        let text = String(decoding: value, as: UTF8.self)
        switch String(decoding: field, as: UTF8.self) {
        case "data": data.append(text)
        case "event": name = text
        case "id" where !value.contains(0): lastEventID = text
        // Comments have an empty field name; the others are for browsers.
        default: break
        }
        return nil
    }

    private mutating func dispatch() -> ServerEvent? {
        defer {
            data = []
            name = ""
        }
        guard !data.isEmpty else { return nil }
        return ServerEvent(
            name: name.isEmpty ? "message" : name, data: data.joined(separator: "\n"), id: lastEventID)
    }
}
