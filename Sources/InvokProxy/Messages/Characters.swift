/// The characters of HTTP's grammar (RFC 9110 §5.6).
enum Characters {
    static let cr = UInt8(ascii: "\r")
    static let lf = UInt8(ascii: "\n")
    static let space = UInt8(ascii: " ")
    static let tab = UInt8(ascii: "\t")

    /// Which of the first 128 characters may stand in a token, a bit for each.
    private static let token: (UInt64, UInt64) = {
        var bits: (UInt64, UInt64) = (0, 0)
        for byte in Array("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8) {
            if byte < 64 { bits.0 |= 1 << UInt64(byte) } else { bits.1 |= 1 << UInt64(byte - 64) }
        }
        return bits
    }()

    static func isToken(_ byte: UInt8) -> Bool {
        byte < 128 && (byte < 64 ? token.0 >> UInt64(byte) : token.1 >> UInt64(byte - 64)) & 1 == 1
    }

    /// What may stand in a field's value, and in the words of an answer's first line.
    static func isText(_ byte: UInt8) -> Bool { (byte >= 0x20 && byte != 0x7F) || byte == tab }

    static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    static func hexValue(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }

    /// Whether they are the same but for the case of letters.
    /// - Parameter lower: has no upper case.
    static func areEqual(_ bytes: ArraySlice<UInt8>, _ lower: StaticString) -> Bool {
        guard bytes.count == lower.utf8CodeUnitCount else { return false }
        return lower.withUTF8Buffer { lower in zip(bytes, lower).allSatisfy { isLetter($0, $1) } }
    }

    static func areEqual(_ bytes: ArraySlice<UInt8>, _ lower: [UInt8]) -> Bool {
        bytes.count == lower.count && zip(bytes, lower).allSatisfy { isLetter($0, $1) }
    }

    /// The same, where neither need be in lower case.
    static func areEqualIgnoringCase(_ bytes: ArraySlice<UInt8>, _ others: ArraySlice<UInt8>) -> Bool {
        bytes.count == others.count && zip(bytes, others).allSatisfy { isLetter($0, lower($1)) }
    }

    /// - Parameter lower: has no upper case.
    static func hasPrefix(_ bytes: ArraySlice<UInt8>, _ lower: StaticString) -> Bool {
        areEqual(bytes.prefix(lower.utf8CodeUnitCount), lower)
    }

    /// Whether it is this one, or this one in upper case.
    private static func isLetter(_ byte: UInt8, _ lower: UInt8) -> Bool { byte == lower || self.lower(byte) == lower }

    private static func lower(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isSpace = { (byte: UInt8) in byte == space || byte == tab }
        var rest = bytes.drop(while: isSpace)
        while let last = rest.last, isSpace(last) { rest.removeLast() }
        return rest
    }

    /// A number of decimal digits alone that fits 63 bits (RFC 9110 §8.6): a sign, a list or a larger number, which another
    /// reader might take for a different length, is none.
    static func number(_ bytes: some Collection<UInt8>) -> Int? {
        guard !bytes.isEmpty else { return nil }
        var value = 0
        for byte in bytes {
            guard isDigit(byte) else { return nil }
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, isLarger) = product.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            guard !isTooLarge, !isLarger else { return nil }
            value = sum
        }
        return value
    }
}
