/// Bytes put together from ranges of a source and others in memory.
struct SplicedBytes: ByteSource {
    private enum Part {
        case range(Int)
        case bytes([UInt8])
    }

    private let source: any ByteSource
    /// Where each begins in the whole.
    private var parts: [(start: Int, part: Part)] = []
    private(set) var count = 0

    init(_ source: any ByteSource) { self.source = source }

    /// Adds a range of the source, which is not read yet.
    mutating func add(_ range: Range<Int>) { add(.range(range.lowerBound), range.count) }

    mutating func add(_ bytes: [UInt8]) { add(.bytes(bytes), bytes.count) }

    private mutating func add(_ part: Part, _ size: Int) {
        parts.append((count, part))
        count += size
    }

    func read(_ range: Range<Int>) throws(InvokError) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(range.count)
        for (index, (start, part)) in parts.enumerated() {
            let end = index + 1 < parts.count ? parts[index + 1].start : count
            let wanted = range.clamped(to: start..<end)
            guard !wanted.isEmpty else { continue }
            let within = wanted.lowerBound - start..<wanted.upperBound - start
            switch part {
            case .range(let first): result += try source.read(first + within.lowerBound..<first + within.upperBound)
            case .bytes(let bytes): result += bytes[within]
            }
        }
        return result
    }
}
