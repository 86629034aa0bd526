import Invok

/// Takes the engine's stream of two outputs apart (Engine API, "Attach to a container", stream format): frames of a
/// header of eight bytes, the output's number and the length among them, and a payload.
struct LogFrames: Sendable {
    struct Frame: Hashable, Sendable {
        let source: LogLine.Source
        let payload: [UInt8]
    }

    /// The engine cuts lines at 16 KiB; whatever is much longer is no frame.
    static let maximumPayloadBytes = 1 << 20

    private var buffer: [UInt8] = []
    private var start = 0

    /// Takes the next bytes.
    /// - Returns: the frames that are whole now.
    /// - Throws: when the bytes are no such stream.
    mutating func append(_ bytes: [UInt8]) throws(DockerError) -> [Frame] {
        buffer += bytes
        var frames: [Frame] = []
        while buffer.count - start >= 8 {
            let length = buffer[(start + 4)..<(start + 8)].reduce(0) { $0 << 8 | Int($1) }
            guard buffer[start] <= 2, length <= Self.maximumPayloadBytes else {
                throw .unreachable("its log stream is malformed")
            }
            guard buffer.count - start - 8 >= length else { break }
            let payload = Array(buffer[(start + 8)..<(start + 8 + length)])
            frames.append(Frame(source: buffer[start] == 2 ? .stderr : .stdout, payload: payload))
            start += 8 + length
        }
        buffer.removeFirst(start)
        start = 0
        return frames
    }
}

/// The time in front of a line, as the engine writes it: RFC 3339 with up to nine digits behind the second, in UTC.
enum LogTime {
    /// - Returns: nanoseconds since 1970; `nil` for any other text.
    static func nanoseconds(_ text: ArraySlice<UInt8>) -> Int64? {
        let bytes = Array(text)
        guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z"), bytes[10] == UInt8(ascii: "T") else { return nil }
        func number(_ range: Range<Int>) -> Int64? {
            var value: Int64 = 0
            for byte in bytes[range] {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                value = value * 10 + Int64(byte - UInt8(ascii: "0"))
            }
            return value
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19), (1...12).contains(month), year >= 1970
        else { return nil }
        var fraction: Int64 = 0
        if bytes.count > 20 {
            guard bytes[19] == UInt8(ascii: "."), bytes.count <= 30, let digits = number(20..<(bytes.count - 1))
            else { return nil }
            fraction = digits
            for _ in (bytes.count - 21)..<9 { fraction *= 10 }
        }
        let seconds = ((daysSinceEpoch(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
        return seconds * 1_000_000_000 + fraction
    }

    /// The day count of a date (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    private static func daysSinceEpoch(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
