/// A secret that people copy, and its text: 80 random bits as sixteen letters and digits in groups, none of which looks
/// like another one (Crockford's Base32).
public struct Passcode: Hashable, Sendable, CustomStringConvertible {
    private static let digits = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    static let length = 16

    /// `ABCD-EFGH-JKMN-PQRS`.
    public let description: String

    /// - Parameter bytes: at least ten random ones, of which ten are taken.
    public init(bytes: some Sequence<UInt8>) {
        var (bits, count, text) = (UInt32(0), 0, "")
        for byte in bytes.prefix(10) {
            (bits, count) = (bits << 8 | UInt32(byte), count + 8)
            while count >= 5 {
                count -= 5
                if !text.isEmpty, text.count % 5 == 4 { text.append("-") }
                text.append(Self.digits[Int(bits >> UInt32(count) & 31)])
            }
            bits &= (1 << UInt32(count)) - 1
        }
        description = text
    }

    /// What is compared of a code that somebody typed: its digest, in one letter case and without dashes and spaces, and
    /// with the letters that are mistaken for digits as those.
    public static func digest(of text: String) -> Digest {
        let plain = text.uppercased().compactMap { character -> Character? in
            switch character {
            case "O": "0"
            case "I", "L": "1"
            case "-": nil
            default: character.isWhitespace ? nil : character
            }
        }
        return Digest(of: String(plain).utf8)
    }

    public var digest: Digest { Self.digest(of: description) }
}
