import Synchronization

/// How much of something has been sent, for whoever shows it meanwhile.
final class Transfer: Sendable {
    /// In bytes.
    let total: Int
    private let sum = Mutex(0)

    init(total: Int) { self.total = total }

    func add(_ bytes: Int) { sum.withLock { $0 += bytes } }

    var sent: Int { sum.withLock { min($0, total) } }
}

/// What a progress bar looks like.
enum ProgressBar {
    /// Less than this is sent before anybody could read a bar.
    static let minimumBytes = 1 << 20
    private static let width = 24

    /// - Returns: the bar with the share and the size; `nil` where there is nothing to show: it is little, or all is sent.
    static func text(sent: Int, total: Int) -> String? {
        guard total > minimumBytes, sent < total else { return nil }
        let filled = sent * width / total
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        return "\(bar) \(sent * 100 / total) % of \(ByteCount.text(total))"
    }
}
