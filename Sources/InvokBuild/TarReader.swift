/// A tar reader (POSIX.1-1988 `ustar`, and GNU's records for long names): takes a stream apart that hostile code may have
/// written. It knows files and folders and nothing else, and holds no more than one header and one name.
package struct TarReader: Sendable {
    package enum Part: Hashable, Sendable {
        case folder([UInt8])
        case file([UInt8], bytes: Int, isExecutable: Bool)
        /// The next bytes of the file that came last.
        case content(ArraySlice<UInt8>)
    }

    /// What is wrong with the stream.
    package enum Fault: Error, Hashable, Sendable {
        /// It is no such stream: the reason, in words.
        case malformed(String)
        /// Something that is neither a file nor a folder: its path, and what it is.
        case forbidden(path: [UInt8], kind: String)
    }

    private enum State: Sendable {
        case header
        case longName(remaining: Int)
        case content(remaining: Int)
        /// What fills a block up behind contents.
        case padding(remaining: Int)
        /// Behind the first block of zeros.
        case end(blocks: Int)
    }

    /// The longest name that is looked at, with its end; whoever takes paths has a limit of its own.
    static let maximumNameBytes = 4096
    /// Writers fill their last record up, mostly to 10 KiB.
    private static let maximumEndBlocks = 128
    private static let blockBytes = 512

    private var state = State.header
    /// What is here of the block or the name that is not whole yet.
    private var gathered: [UInt8] = []
    private var longName: [UInt8]?
    /// Behind the contents that are being read.
    private var paddingBytes = 0

    package init() {}

    /// Whether the stream has come to its end as it should.
    package var isWhole: Bool { if case .end(blocks: 2...) = state { gathered.isEmpty } else { false } }

    /// Takes the next bytes.
    /// - Returns: what is in them, in order.
    package mutating func append(_ bytes: ArraySlice<UInt8>) throws(Fault) -> [Part] {
        var parts: [Part] = []
        var rest = bytes
        while !rest.isEmpty {
            switch state {
            case .content(let remaining):
                let part = rest.prefix(remaining)
                rest = rest.dropFirst(part.count)
                parts.append(.content(part))
                state = part.count < remaining ? .content(remaining: remaining - part.count) : padded
            case .padding(let remaining):
                let part = rest.prefix(remaining)
                rest = rest.dropFirst(part.count)
                state = part.count < remaining ? .padding(remaining: remaining - part.count) : .header
            case .longName(let remaining):
                gathered += rest.prefix(remaining)
                let left = remaining - min(remaining, rest.count)
                rest = rest.dropFirst(remaining)
                state = .longName(remaining: left)
                if left == 0 { try endLongName() }
            case .header, .end:
                let part = rest.prefix(Self.blockBytes - gathered.count)
                gathered += part
                rest = rest.dropFirst(part.count)
                if gathered.count == Self.blockBytes, let found = try endBlock() { parts.append(found) }
            }
        }
        return parts
    }

    private var padded: State { paddingBytes == 0 ? .header : .padding(remaining: paddingBytes) }

    private mutating func endLongName() throws(Fault) {
        guard gathered.last == 0, !gathered.dropLast().contains(0) else { throw .malformed("a long name has no end") }
        longName = Array(gathered.dropLast())
        gathered = []
        state = padded
    }

    private mutating func endBlock() throws(Fault) -> Part? {
        let block = TarHeader(bytes: gathered)
        gathered.removeAll(keepingCapacity: true)
        if case .end(let blocks) = state {
            guard block.isZero, blocks < Self.maximumEndBlocks else { throw .malformed("something follows its end") }
            state = .end(blocks: blocks + 1)
            return nil
        }
        if block.isZero {
            guard longName == nil else { throw .malformed("a long name is nobody's") }
            state = .end(blocks: 1)
            return nil
        }
        return try begin(block)
    }

    private mutating func begin(_ header: TarHeader) throws(Fault) -> Part? {
        guard header.isSound else { throw .malformed("a header is damaged") }
        guard let bytes = header.size else { throw .malformed("a size is no number") }
        paddingBytes = (Self.blockBytes - bytes % Self.blockBytes) % Self.blockBytes
        if header.type == UInt8(ascii: "L") {
            guard longName == nil else { throw .malformed("a long name is nobody's") }
            guard (2...Self.maximumNameBytes).contains(bytes) else { throw .malformed("a name is too long") }
            state = .longName(remaining: bytes)
            return nil
        }
        let path = longName ?? header.name
        longName = nil
        switch header.type {
        case UInt8(ascii: "0"), 0:
            state = bytes == 0 ? .header : .content(remaining: bytes)
            return .file(path, bytes: bytes, isExecutable: header.isExecutable)
        case UInt8(ascii: "5"):
            guard bytes == 0 else { throw .malformed("a folder has contents") }
            return .folder(path)
        default: throw .forbidden(path: path, kind: header.kind)
        }
    }
}

/// One block of 512 bytes that says what follows.
private struct TarHeader {
    let bytes: [UInt8]

    var isZero: Bool { bytes.allSatisfy { $0 == 0 } }

    /// Whether it is a header of either format, and says its own sum.
    var isSound: Bool {
        guard isUstar || isGNU, let sum = octal(148..<156) else { return false }
        // The sum is that of the header with spaces in the sum's own place.
        let own = bytes[148..<156].reduce(0) { $0 + Int($1) }
        return sum == bytes.reduce(0) { $0 + Int($1) } - own + 8 * 0x20
    }

    private var isUstar: Bool { bytes[257..<265].elementsEqual("ustar\u{0}00".utf8) }
    private var isGNU: Bool { bytes[257..<265].elementsEqual("ustar  \u{0}".utf8) }

    var type: UInt8 { bytes[156] }
    var size: Int? { octal(124..<136) }
    /// Whether its owner may run it.
    var isExecutable: Bool { (octal(100..<108) ?? 0) & 0o100 != 0 }

    /// In `ustar` in two parts; GNU has other things where the first would be.
    var name: [UInt8] {
        let name = text(0..<100)
        let prefix = isUstar ? text(345..<500) : []
        return prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name
    }

    var kind: String {
        switch type {
        case UInt8(ascii: "1"): "a second name of a file"
        case UInt8(ascii: "2"), UInt8(ascii: "K"): "a link"
        case UInt8(ascii: "3"), UInt8(ascii: "4"): "a device"
        case UInt8(ascii: "6"): "a pipe"
        default: "neither a file nor a folder"
        }
    }

    private func text(_ range: Range<Int>) -> [UInt8] { Array(bytes[range].prefix { $0 != 0 }) }

    /// Octal digits, with spaces before them and an end behind them; `nil` for anything else, GNU's binary numbers too.
    private func octal(_ range: Range<Int>) -> Int? {
        let digits = bytes[range].drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
        guard !digits.isEmpty else { return nil }
        var value = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(digit) else { return nil }
            value = value << 3 | Int(digit - UInt8(ascii: "0"))
        }
        return value
    }
}
