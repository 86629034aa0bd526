import Invok

/// Cuts a stream of bytes into lines of bounded length.
package struct LineSplitter: Sendable {
    private var line: [UInt8] = []
    private var isCut = false

    package init() {}

    /// Takes the next bytes.
    /// - Returns: the lines that are whole now.
    package mutating func append(_ bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                lines.append(take())
            } else if line.count < LogLine.maximumBytes {
                line.append(byte)
            } else {
                isCut = true
            }
        }
        return lines
    }

    /// What stands behind the last end of a line.
    package mutating func finish() -> String? { line.isEmpty ? nil : take() }

    private mutating func take() -> String {
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        defer {
            line.removeAll(keepingCapacity: true)
            isCut = false
        }
        return Self.printable(line)
    }

    /// The text with control characters escaped: a log line must not steer the terminal it is shown on.
    package static func printable(_ bytes: [UInt8]) -> String {
        let isPlain = bytes.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }
        guard !isPlain else { return String(decoding: bytes, as: UTF8.self) }
        var escaped: [UInt8] = []
        for byte in bytes {
            if (byte >= 0x20 && byte != 0x7F) || byte == 0x09 {
                escaped.append(byte)
            } else {
                let digits = Array("0123456789abcdef".utf8)
                escaped += Array("\\x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
            if escaped.count >= LogLine.maximumBytes { break }
        }
        return String(decoding: escaped.prefix(LogLine.maximumBytes), as: UTF8.self)
    }
}
