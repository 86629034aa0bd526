/// Cuts a stream of bytes into lines of bounded length, and says how much of a longer one is missing.
package struct LineSplitter: Sendable {
    private var line: [UInt8] = []
    private var missing = 0

    package init() {}

    /// How many bytes stand behind the last end of a line.
    package var restBytes: Int { line.count }

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
                missing += 1
            }
        }
        return lines
    }

    /// What stands behind the last end of a line.
    package mutating func finish() -> String? { line.isEmpty ? nil : take() }

    private mutating func take() -> String {
        if line.last == UInt8(ascii: "\r"), missing == 0 { line.removeLast() }
        defer {
            // A long line's memory is not kept for the next one.
            line.removeAll(keepingCapacity: line.count < 4096)
            missing = 0
        }
        return LogLine.text(line, missing: missing)
    }
}
