import Invok

extension Timestamp {
    /// The form of the `Date` header: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
    var httpDate: String {
        // The RFC 3339 form has the fields at fixed places.
        let text = Array(description.utf8)
        let digits = { (range: Range<Int>) in String(decoding: text[range], as: UTF8.self) }
        let days = millisecondsSinceEpoch / 86_400_000
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][Int(((days % 7) + 7) % 7)]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let month = months[(Int(digits(5..<7)) ?? 1) - 1]
        return "\(weekday), \(digits(8..<10)) \(month) \(digits(0..<4)) \(digits(11..<19)) GMT"
    }

    /// Parses an RFC 3339 date and time: `2026-11-22T14:03:07Z`, with fractions of a second and an offset if need be.
    /// - Returns: `nil` for any other text.
    init?(rfc3339 text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[4] == 0x2D, bytes[7] == 0x2D, bytes[10] | 0x20 == 0x74, bytes[13] == 0x3A,
            bytes[16] == 0x3A
        else { return nil }
        guard let year = Self.number(bytes[0..<4]), let month = Self.number(bytes[5..<7], in: 1...12),
            let day = Self.number(bytes[8..<10], in: 1...31), let hour = Self.number(bytes[11..<13], in: 0...23),
            let minute = Self.number(bytes[14..<16], in: 0...59), let second = Self.number(bytes[17..<19], in: 0...60)
        else { return nil }
        var rest = bytes[19...]
        var milliseconds: Int64 = 0
        if rest.first == UInt8(ascii: ".") {
            let fraction = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
            guard
                let value = Self.number(
                    Array(fraction.prefix(3)) + Array(repeating: 0x30, count: max(0, 3 - fraction.count)))
            else { return nil }
            guard !fraction.isEmpty else { return nil }
            milliseconds = value
            rest = rest.dropFirst(1 + fraction.count)
        }
        guard let offset = Self.offsetMinutes(Array(rest)) else { return nil }
        let seconds = Self.days(year, month, day) * 86_400 + hour * 3600 + (minute - offset) * 60 + second
        self.init(millisecondsSinceEpoch: seconds * 1000 + milliseconds)
    }

    private static func offsetMinutes(_ text: [UInt8]) -> Int64? {
        if text.count == 1, text[0] | 0x20 == UInt8(ascii: "z") { return 0 }
        // In a query, an unescaped plus is a space.
        guard text.count == 6, text[3] == 0x3A, let hours = number(text[1..<3], in: 0...23),
            let minutes = number(text[4..<6], in: 0...59)
        else { return nil }
        switch text[0] {
        case UInt8(ascii: "+"), UInt8(ascii: " "): return hours * 60 + minutes
        case UInt8(ascii: "-"): return -(hours * 60 + minutes)
        default: return nil
        }
    }

    private static func number(
        _ digits: some Collection<UInt8>, in range: ClosedRange<Int64> = 0...9999
    ) -> Int64? {
        var value: Int64 = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + Int64(digit - 0x30)
        }
        return range.contains(value) ? value : nil
    }

    /// Days since 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = year / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
