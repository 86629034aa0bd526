/// Blots out secrets' values in text: each line of a value that is long enough to be looked for.
///
/// It finds values as they are, not what is made of them: encoded, cut in pieces, or written backwards they stay.
package struct SecretMask: Sendable {
    /// Shorter ones would be found in what is none.
    static let minimumBytes = 6
    package static let replacement = "***"

    /// By their first byte, the longest first, so that a value goes before one that it begins with.
    private let needles: [UInt8: [[UInt8]]]

    init(_ values: some Sequence<SecretValue>) {
        let lines = values.flatMap { value in
            value.text.split(whereSeparator: \.isNewline).map { Self.trimmed(Array($0.utf8)) }
        }
        let needles = Set(lines.filter { $0.count >= Self.minimumBytes })
        self.needles = Dictionary(grouping: needles) { $0[0] }.mapValues { $0.sorted { $0.count > $1.count } }
    }

    private static func trimmed(_ line: [UInt8]) -> [UInt8] {
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        return Array(Array(line.drop(while: isBlank)).reversed().drop(while: isBlank).reversed())
    }

    func masked(_ text: String) -> String {
        guard !needles.isEmpty else { return text }
        var text = text
        let result = text.withUTF8 { bytes -> [UInt8]? in
            var result: [UInt8] = []
            var (start, at) = (0, 0)
            while at < bytes.count {
                let rest = bytes[at...]
                guard let needle = needles[bytes[at]]?.first(where: { rest.starts(with: $0) }) else {
                    at += 1
                    continue
                }
                result += bytes[start..<at]
                result += Self.replacement.utf8
                at += needle.count
                start = at
            }
            guard start > 0 else { return nil }
            return result + bytes[start...]
        }
        return result.map { String(decoding: $0, as: UTF8.self) } ?? text
    }
}
