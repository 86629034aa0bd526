/// A question to the DNS (RFC 1035 §4.1.2) of the class IN.
public struct DNSQuestion: Hashable, Sendable {
    public static let a: UInt16 = 1
    public static let aaaa: UInt16 = 28

    /// The name as it was asked: labels, each behind its length. Its letter case is kept, since some compare it.
    public let labels: [UInt8]
    public let type: UInt16

    /// In lower case, without a dot at its end; `nil` for what is no host's name.
    public var name: String? {
        let text = DNSMessage.text(labels)
        return HostName.isValid(text) ? text : nil
    }

    var asksForAddresses: Bool { type == Self.a || type == Self.aaaa }
    var bytes: [UInt8] { labels + DNSMessage.pair(type) + [0, 1] }
}

/// Reads and writes messages of the DNS, as far as a resolver needs them that asks others. It reads what hostile people
/// write: nothing in it is believed to be as long as it says, and no name is followed forwards.
enum DNSMessage {
    enum Code: UInt8 {
        case ok = 0
        case formatError = 1
        case serverFailure = 2
        case noSuchName = 3
        case notImplemented = 4
        case refused = 5
    }

    static let headBytes = 12
    /// Of a name, with the lengths of its labels (RFC 1035 §2.3.4).
    private static let maximumName = 255
    private static let maximumRecords = 64
    private static let maximumAliases = 8
    private static let internetClass = 1
    private static let alias = 5

    static func pair(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }

    static func number(_ bytes: [UInt8], _ at: Int) -> Int { Int(bytes[at]) << 8 | Int(bytes[at + 1]) }

    /// Labels as people write them, in lower case. A byte that no name has becomes `?`.
    static func text(_ labels: [UInt8]) -> String {
        var (text, at) = ("", 0)
        while at < labels.count, labels[at] > 0 {
            if at > 0 { text += "." }
            for byte in labels[(at + 1)...(at + Int(labels[at]))] {
                let isPlain = byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: ".")
                text += String(UnicodeScalar(isPlain ? byte : UInt8(ascii: "?")))
            }
            at += 1 + Int(labels[at])
        }
        return text.lowercased()
    }

    // MARK: Queries

    enum Query: Hashable {
        case question(DNSQuestion)
        /// What is none, or more than one.
        case wrong(Code)
    }

    /// Reads what a function asks.
    /// - Returns: `nil` for what deserves no answer: it is one itself, or too short for one.
    static func query(_ bytes: [UInt8]) -> Query? {
        guard bytes.count >= headBytes, bytes[2] & 0x80 == 0 else { return nil }
        guard bytes[2] & 0x78 == 0 else { return .wrong(.notImplemented) }
        guard number(bytes, 4) == 1, number(bytes, 6) == 0, number(bytes, 8) == 0,
            let (question, questionClass) = question(bytes)
        else { return .wrong(.formatError) }
        return questionClass == internetClass ? .question(question) : .wrong(.refused)
    }

    private static func question(_ bytes: [UInt8]) -> (DNSQuestion, Int)? {
        guard let (labels, end) = name(bytes, headBytes), end == headBytes + labels.count, end + 4 <= bytes.count
        else { return nil }
        return (DNSQuestion(labels: labels, type: UInt16(number(bytes, end))), number(bytes, end + 2))
    }

    /// Reads a name that may go on where an earlier one stands (RFC 1035 §4.1.4).
    /// - Returns: its labels, and where what follows it begins.
    private static func name(_ bytes: [UInt8], _ start: Int) -> (labels: [UInt8], end: Int)? {
        var (labels, at, end) = ([UInt8](), start, Int?.none)
        while at < bytes.count {
            let length = Int(bytes[at])
            if length == 0 {
                labels.append(0)
                return labels.count <= maximumName ? (labels, end ?? at + 1) : nil
            }
            if length >= 0xC0 {
                guard at + 1 < bytes.count else { return nil }
                let target = number(bytes, at) & 0x3FFF
                // Backwards only, and the labels between are counted: it comes to an end.
                guard target >= headBytes, target < at else { return nil }
                end = end ?? at + 2
                at = target
                continue
            }
            guard length <= 63, at + 1 + length <= bytes.count, labels.count + 1 + length < maximumName else {
                return nil
            }
            labels += bytes[at...(at + length)]
            at += 1 + length
        }
        return nil
    }

    /// The query for a question, to another resolver (with room for answers of 1232 bytes, RFC 6891).
    static func query(_ question: DNSQuestion, id: UInt16) -> [UInt8] {
        pair(id) + [1, 0, 0, 1, 0, 0, 0, 0, 0, 1] + question.bytes + [0, 0, 41, 0x04, 0xD0, 0, 0, 0, 0, 0, 0]
    }

    // MARK: Responses

    enum Response: Hashable {
        /// With what is left of their lifetime, in seconds.
        case addresses([IPAddress], seconds: Int)
        case failed(Code)
        /// An answer about something else than addresses.
        case other
    }

    /// Reads what another resolver answers.
    /// - Returns: `nil` for what is no answer to this question.
    static func response(_ bytes: [UInt8], to question: DNSQuestion, id: UInt16) -> Response? {
        guard bytes.count >= headBytes, bytes[2] & 0xF8 == 0x80, number(bytes, 0) == Int(id), number(bytes, 4) == 1,
            let (echo, echoClass) = self.question(bytes), echoClass == internetClass, echo.type == question.type,
            text(echo.labels) == text(question.labels)
        else { return nil }
        let code = Code(rawValue: bytes[3] & 0x0F) ?? .serverFailure
        guard code == .ok else { return .failed(code == .noSuchName ? .noSuchName : .serverFailure) }
        guard question.asksForAddresses else { return .other }
        guard let records = records(bytes, behind: headBytes + echo.labels.count + 4) else {
            return .failed(.serverFailure)
        }
        return addresses(in: records, of: question)
    }

    private struct Record {
        let name: String
        let type: Int
        let seconds: Int
        let data: [UInt8]
    }

    /// The answer section.
    private static func records(_ bytes: [UInt8], behind start: Int) -> [Record]? {
        var (records, at) = ([Record](), start)
        for _ in 0..<min(number(bytes, 6), maximumRecords) {
            // What was cut off to fit says so (TC), and what came is true.
            guard at < bytes.count || bytes[2] & 0x02 == 0 else { break }
            guard let (owner, end) = name(bytes, at), end + 10 <= bytes.count else { return nil }
            let count = number(bytes, end + 8)
            let data = end + 10
            guard data + count <= bytes.count else { return nil }
            at = data + count
            guard number(bytes, end + 2) == internetClass else { continue }
            let type = number(bytes, end)
            let seconds = number(bytes, end + 4) << 16 | number(bytes, end + 6)
            var value = Array(bytes[data..<at])
            if type == alias {
                guard let (target, targetEnd) = name(bytes, data), targetEnd == at else { return nil }
                value = target
            }
            records.append(Record(name: text(owner), type: type, seconds: seconds, data: value))
        }
        return records
    }

    /// Follows aliases from the name that was asked for: what stands beside that chain is nobody's.
    private static func addresses(in records: [Record], of question: DNSQuestion) -> Response {
        var (name, seconds) = (text(question.labels), Int.max)
        for _ in 0...maximumAliases {
            let found = records.filter { $0.name == name && $0.type == Int(question.type) }
            if !found.isEmpty {
                let size = question.type == DNSQuestion.a ? 4 : 16
                // An IPv4 address in an AAAA record would be read as what it is not.
                let addresses = found.filter { $0.data.count == size && !IPAddress.isMapped($0.data) }
                return .addresses(
                    addresses.compactMap { IPAddress(bytes: $0.data) },
                    seconds: min(seconds, found.map(\.seconds).min() ?? 0))
            }
            guard let next = records.first(where: { $0.name == name && $0.type == alias }) else { break }
            (name, seconds) = (text(next.data), min(seconds, next.seconds))
        }
        return .addresses([], seconds: 0)
    }

    // MARK: Replies

    /// The answer to a query that the function sent.
    static func reply(
        to query: [UInt8], _ code: Code, question: DNSQuestion? = nil, addresses: [IPAddress] = [], seconds: Int = 0
    ) -> [UInt8] {
        var bytes = Array(query[0..<2]) + [0x80 | (query[2] & 0x79), 0x80 | code.rawValue]
        let records = question.map { question in
            addresses.map { address -> [UInt8] in
                let lifetime = pair(UInt16(seconds >> 16 & 0xFFFF)) + pair(UInt16(seconds & 0xFFFF))
                return [0xC0, UInt8(headBytes)] + pair(question.type) + [0, 1] + lifetime
                    + pair(UInt16(address.bytes.count)) + address.bytes
            }
        }
        // As many as fit where nothing else was agreed upon (RFC 1035 §4.2.1).
        var rest = 512 - headBytes - (question?.bytes.count ?? 0)
        let fitting = (records ?? []).prefix { record in
            rest -= record.count
            return rest >= 0
        }
        bytes += [0, question == nil ? 0 : 1, 0, UInt8(fitting.count), 0, 0, 0, 0]
        return bytes + (question?.bytes ?? []) + fitting.flatMap(\.self)
    }
}
