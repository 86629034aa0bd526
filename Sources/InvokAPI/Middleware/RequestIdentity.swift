import HTTPTypes
import Hummingbird
import Invok

/// Names a request, for the client, the log and the function.
enum RequestIdentity {
    static let header = HTTPField.Name("X-Request-Id")!

    /// The client's own name for the request where it is a plain one, else a new one.
    static func make(for fields: HTTPFields, randomness: any Randomness) -> String {
        make(given: fields[header], randomness: randomness)
    }

    /// - Parameter given: the client's own name for it.
    static func make(given: String?, randomness: any Randomness) -> String {
        if let given, isPlain(given) { return given }
        let words = (randomness.next(), randomness.next())
        return String(unsafeUninitializedCapacity: 32) { digits in
            for index in 0..<16 {
                digits[index] = digit(words.0 >> UInt64(60 - 4 * index))
                digits[16 + index] = digit(words.1 >> UInt64(60 - 4 * index))
            }
            return 32
        }
    }

    private static func digit(_ word: UInt64) -> UInt8 {
        let value = UInt8(word & 0xF)
        return value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value
    }

    /// What may stand in a log line without any escaping.
    static func isPlain(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}
