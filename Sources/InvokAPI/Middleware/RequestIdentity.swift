import HTTPTypes
import Hummingbird
import Invok

/// Names a request, for the client, the log and the function.
enum RequestIdentity {
    static let header = HTTPField.Name("X-Request-Id")!

    /// The client's own name for the request where it is a plain one, else a new one.
    static func make(for fields: HTTPFields, randomness: any Randomness) -> String {
        if let given = fields[header], isPlain(given) { return given }
        return [randomness.next(), randomness.next()].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
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
