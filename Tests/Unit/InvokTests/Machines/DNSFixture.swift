@testable import Invok

/// Messages of the DNS (RFC 1035 §4), written by hand.
enum DNSFixture {
    static let queryID: [UInt8] = [0x12, 0x34]
    static let id: UInt16 = 0xABCD

    enum Record {
        case address(String, [UInt8], Int)
        case alias(String, String, Int)
        case other(String, UInt16, [UInt8])
    }

    static func name(_ text: String) -> [UInt8] {
        text.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }

    private static func question(_ text: String, _ type: UInt16) -> [UInt8] { name(text) + pair(Int(type)) + [0, 1] }

    private static func pair(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)] }

    static func query(_ text: String, type: UInt16 = DNSQuestion.a) -> [UInt8] {
        queryID + [1, 0, 0, 1, 0, 0, 0, 0, 0, 0] + question(text, type)
    }

    static func response(_ text: String, type: UInt16 = DNSQuestion.a, records: [Record]) -> [UInt8] {
        let body = records.flatMap { record -> [UInt8] in
            let (owner, type, seconds, data): (String, Int, Int, [UInt8]) =
                switch record {
                case .address(let owner, let bytes, let seconds): (owner, bytes.count == 4 ? 1 : 28, seconds, bytes)
                case .alias(let owner, let target, let seconds): (owner, 5, seconds, name(target))
                case .other(let owner, let type, let data): (owner, Int(type), 60, data)
                }
            return name(owner) + pair(type) + [0, 1] + pair(seconds >> 16) + pair(seconds) + pair(data.count) + data
        }
        return pair(Int(id)) + [0x81, 0x80, 0, 1] + pair(records.count) + [0, 0, 0, 0] + question(text, type) + body
    }

    static func code(_ reply: [UInt8]) -> UInt8 { reply[3] & 0x0F }
    static func answers(_ reply: [UInt8]) -> Int { Int(reply[6]) << 8 | Int(reply[7]) }

    /// The addresses of a reply whose records all belong to its question.
    static func addresses(_ reply: [UInt8]) -> [[UInt8]] {
        var at = 12
        while reply[at] > 0 { at += 1 + Int(reply[at]) }
        at += 5
        var found: [[UInt8]] = []
        for _ in 0..<answers(reply) {
            let count = Int(reply[at + 10]) << 8 | Int(reply[at + 11])
            found.append(Array(reply[(at + 12)..<(at + 12 + count)]))
            at += 12 + count
        }
        return found
    }
}
