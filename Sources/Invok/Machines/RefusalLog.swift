/// Which refused attempts of one instance become lines of its function's log: each kind once a minute, and not many.
public struct RefusalLog: Sendable {
    public static let linesPerMinute = 20
    private static let period = Duration.seconds(60)

    private var seen: Set<String> = []
    private var left = 0
    private var end: Instant?

    public init() {}

    /// - Parameter text: what was refused, and why.
    /// - Returns: the lines to write.
    public mutating func onRefused(_ text: String, now: Instant) -> [String] {
        var lines: [String] = []
        if end.map({ $0 <= now }) ?? true {
            if left > 0 { lines.append("\(PlainText.number(left)) more attempts to reach the network were refused") }
            (seen, left, end) = ([], 0, now.advanced(by: Self.period))
        }
        guard seen.count < Self.linesPerMinute, seen.insert(text).inserted else {
            left += 1
            return lines
        }
        return lines + ["egress refused: \(text)"]
    }
}
