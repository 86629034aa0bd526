/// Reads the body of a message by its framing (RFC 9112 §6, §7).
///
/// A machine: how the bytes were split on their way makes no difference.
struct BodyReader: Sendable {
    enum Framing: Hashable, Sendable {
        case length(Int)
        case chunked
        /// The end of the connection is the end of the body.
        case untilEnd
    }

    enum Part: Hashable, Sendable {
        /// So many bytes behind what was skipped are of the body.
        case bytes(Int)
        /// It has ended, with the trailers of a chunked one.
        case end(MessageHead?)
    }

    private enum State: Sendable {
        case length(Int)
        case chunkLine
        /// So many bytes of the chunk are left.
        case chunk(Int)
        case chunkEnd
        case trailers(HeadScanner)
        case untilEnd
    }

    /// A chunk's line has a number and, at times, extensions, which nobody uses (RFC 9112 §7.1.1).
    static let chunkLineBytes = 1024
    /// More than this of extensions in one body is nothing that somebody wants to say.
    static let extensionBytes = 16 * 1024

    private let limits: HeadLimits
    private var state: State
    private var extensions = 0

    init(_ framing: Framing, limits: HeadLimits) {
        self.limits = limits
        state =
            switch framing {
            case .length(let count): .length(count)
            case .chunked: .chunkLine
            case .untilEnd: .untilEnd
            }
    }

    /// Whether the end is next, which needs no more bytes.
    var isAtEnd: Bool { if case .length(0) = state { true } else { false } }

    /// Takes the next part from the beginning of what has come and was not taken yet.
    /// - Returns: how many bytes to skip, and the part behind them, whose bytes are taken too; no part when more is needed.
    mutating func next(_ bytes: UnsafeRawBufferPointer) throws(MessageFault) -> (skipped: Int, part: Part?) {
        var skipped = 0
        while true {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[skipped...])
            switch state {
            case .length(0): return (skipped, .end(nil))
            case .length(let left):
                guard !rest.isEmpty else { return (skipped, nil) }
                let count = min(left, rest.count)
                state = .length(left - count)
                return (skipped, .bytes(count))
            case .untilEnd: return (skipped, rest.isEmpty ? nil : .bytes(rest.count))
            case .chunkLine:
                guard let (size, count) = try chunkLine(rest) else { return (skipped, nil) }
                skipped += count
                state = size == 0 ? .trailers(HeadScanner(limits: limits, hasStartLine: false)) : .chunk(size)
            case .chunk(let left):
                guard !rest.isEmpty else { return (skipped, nil) }
                let count = min(left, rest.count)
                state = left == count ? .chunkEnd : .chunk(left - count)
                return (skipped, .bytes(count))
            case .chunkEnd:
                if let first = rest.first, first != Characters.cr { throw .chunk }
                guard rest.count >= 2 else { return (skipped, nil) }
                guard rest[1] == Characters.lf else { throw .chunk }
                skipped += 2
                state = .chunkLine
            case .trailers(var scanner):
                // Held once, or each of its changes would copy it.
                state = .length(0)
                guard let trailers = try scanner.scan(rest) else {
                    state = .trailers(scanner)
                    return (skipped, nil)
                }
                return (skipped + trailers.bytes.count, .end(trailers.fields.isEmpty ? nil : trailers))
            }
        }
    }

    /// Whether the body is whole when the connection ends now.
    var mayEnd: Bool { if case .untilEnd = state { true } else { isAtEnd } }

    /// - Returns: the size that it says, and its own length.
    private mutating func chunkLine(_ bytes: UnsafeRawBufferPointer) throws(MessageFault) -> (size: Int, count: Int)? {
        let limit = min(bytes.count, Self.chunkLineBytes)
        var (index, size) = (0, 0)
        while index < limit, let digit = Characters.hexValue(bytes[index]) {
            guard size <= Int.max >> 4 else { throw .chunk }
            size = size << 4 | digit
            index += 1
        }
        guard index > 0 || limit == 0 else { throw .chunk }
        // Extensions begin with a semicolon, and spaces may stand before it.
        let begin = index
        while index < limit, bytes[index] == Characters.space || bytes[index] == Characters.tab { index += 1 }
        if index < limit, bytes[index] != UInt8(ascii: ";") {
            guard bytes[index] == Characters.cr, index == begin else { throw .chunk }
        }
        while index < limit, Characters.isText(bytes[index]) { index += 1 }
        guard index < limit else {
            if bytes.count >= Self.chunkLineBytes { throw .chunk }
            return nil
        }
        guard bytes[index] == Characters.cr else { throw .chunk }
        guard index + 1 < bytes.count else { return nil }
        guard bytes[index + 1] == Characters.lf else { throw .chunk }
        extensions += index - begin
        guard extensions <= Self.extensionBytes else { throw .chunk }
        return (size, index + 2)
    }
}
