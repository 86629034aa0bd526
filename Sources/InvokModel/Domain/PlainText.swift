/// Makes text from elsewhere safe for a terminal, and for whoever reads a log.
public enum PlainText {
    /// Replaces what could move the cursor, change colours or reverse the reading order by a visible escape, as
    /// `\x1B`. Line feeds and tabs stay.
    public static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if isUnsafe(scalar) {
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += scalar.value <= 0xFF ? "\\x" + (digits.count < 2 ? "0" : "") + digits : "\\u{\(digits)}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// The same for text that must stay on one line.
    public static func escapedLine(_ text: String) -> String {
        String(escaped(text).map { $0.isNewline ? " " : $0 })
    }

    /// A name of bytes, as of a file, for a message.
    package static func escapedName(_ bytes: [UInt8]) -> String {
        escaped(String(decoding: bytes, as: UTF8.self)).replacing("\n", with: "\\x0A")
    }

    /// A count as people write it: `12,345`.
    public static func number(_ value: Int) -> String {
        let digits = Array(String(value.magnitude))
        let groups = digits.indices.map { index in
            (index > 0 && (digits.count - index).isMultiple(of: 3) ? "," : "") + String(digits[index])
        }
        return (value < 0 ? "-" : "") + groups.joined()
    }

    /// A JSON document (RFC 8259) that says the same, with such characters as `\u` escapes: it may be shown on a terminal.
    public static func escapedJSON(_ document: String) -> String {
        // What is below U+0020 stands escaped in strings already, and outside of them it is a space or a line end.
        guard document.unicodeScalars.contains(where: { $0.value >= 0x7F && isUnsafe($0) }) else { return document }
        var result = ""
        for scalar in document.unicodeScalars {
            if scalar.value >= 0x7F, isUnsafe(scalar) {
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        case 0x00...0x1F, 0x7F...0x9F: true
        // Bidirectional controls: they make a line read other than it is (CVE-2021-42574).
        case 0x200E, 0x200F, 0x061C, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
