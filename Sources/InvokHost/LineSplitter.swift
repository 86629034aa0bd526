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

    /// The text without what could steer the terminal it is shown on, C1 controls and marks of direction included.
    package static func printable(_ bytes: [UInt8]) -> String {
        let text = PlainText.escaped(String(decoding: bytes, as: UTF8.self))
            .split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\\x0A")
        guard text.utf8.count > LogLine.maximumBytes else { return text }
        // Escapes are longer than what they stand for; and no character is cut in two.
        var end = text.utf8.index(text.startIndex, offsetBy: LogLine.maximumBytes)
        while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
        return String(text[..<end])
    }
}
