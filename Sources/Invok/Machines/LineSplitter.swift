/// Cuts a stream of bytes into lines of bounded length.
package struct LineSplitter: Sendable {
    private var line: [UInt8] = []

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
            }
        }
        return lines
    }

    /// Whether something stands behind the last end of a line.
    package var hasRest: Bool { !line.isEmpty }

    /// What stands behind the last end of a line.
    package mutating func finish() -> String? { line.isEmpty ? nil : take() }

    private mutating func take() -> String {
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        defer { line.removeAll(keepingCapacity: true) }
        return LogLine.printable(line)
    }
}
