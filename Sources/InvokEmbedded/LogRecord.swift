import Invok

/// The form of a log entry in a file: one line of `sequence TAB milliseconds TAB source TAB instance TAB text`.
///
/// Only backslash and line feed are escaped in the text, and what else it holds is kept as it is: whoever shows it to a
/// terminal escapes it there.
enum LogRecord {
    static func encode(_ entry: LogEntry) -> [UInt8] {
        let line = entry.line
        let instance = line.instance?.description ?? "-"
        var bytes = Array(
            "\(entry.cursor.sequence)\t\(line.time.millisecondsSinceEpoch)\t\(line.source.rawValue)\t\(instance)\t".utf8
        )
        bytes.reserveCapacity(bytes.count + line.text.utf8.count + 1)
        guard line.text.utf8.contains(where: { $0 == newline || $0 == backslash }) else {
            return bytes + Array(line.text.utf8) + [newline]
        }
        for byte in line.text.utf8 {
            switch byte {
            case newline: bytes += [backslash, UInt8(ascii: "n")]
            case backslash: bytes += [backslash, backslash]
            default: bytes.append(byte)
            }
        }
        bytes.append(newline)
        return bytes
    }

    /// All entries of a file's content. What is not one, as a line that a crash tore, is passed over.
    static func decode(_ bytes: ArraySlice<UInt8>) -> [LogEntry] {
        bytes.split(separator: newline).compactMap(entry)
    }

    /// The length of the content up to the end of its last whole line.
    static func wholeLength(_ bytes: [UInt8]) -> Int {
        bytes.lastIndex(of: newline).map { $0 + 1 } ?? 0
    }

    static let newline = UInt8(ascii: "\n")
    private static let backslash = UInt8(ascii: "\\")

    private static func entry(_ record: ArraySlice<UInt8>) -> LogEntry? {
        let fields = record.split(separator: UInt8(ascii: "\t"), maxSplits: 4, omittingEmptySubsequences: false)
        guard fields.count == 5 else { return nil }
        let head = fields.prefix(4).map { String(decoding: $0, as: UTF8.self) }
        guard let sequence = UInt64(head[0]), let time = Int64(head[1]), let source = LogLine.Source(rawValue: head[2])
        else { return nil }
        let line = LogLine(
            time: Timestamp(millisecondsSinceEpoch: time), source: source, instance: InstanceID(head[3]),
            text: text(fields[4]))
        return LogEntry(cursor: LogCursor(sequence: sequence), line: line)
    }

    private static func text(_ escaped: ArraySlice<UInt8>) -> String {
        guard escaped.contains(backslash) else { return String(decoding: escaped, as: UTF8.self) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(escaped.count)
        var isEscape = false
        for byte in escaped {
            if isEscape {
                bytes.append(byte == UInt8(ascii: "n") ? newline : byte)
                isEscape = false
            } else if byte == backslash {
                isEscape = true
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
