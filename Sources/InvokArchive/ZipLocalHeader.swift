import Invok

/// The header before an entry's data (APPNOTE §4.3.7), which repeats what the directory says.
struct ZipLocalHeader {
    private static let fixedSize = 30

    let flags: Int
    let method: Int
    let name: ArraySlice<UInt8>
    let sizes: ZipSizes
    /// Where the data starts.
    let end: Int

    /// - Parameters:
    ///   - limit: where the next thing of the archive starts.
    ///   - entry: its name, as errors show it.
    init(_ archive: any ByteSource, at start: Int, before limit: Int, entry: String) throws(InvokError) {
        guard start + Self.fixedSize <= limit else { throw .damaged("\(entry) and what is behind it overlap") }
        let fixed = ZipBytes(try archive.read(start..<start + Self.fixedSize))
        guard fixed.has(signature: ZipHeader.localSignature, at: 0) else { throw .damaged("\(entry) is missing") }
        flags = fixed.u16(6)
        method = fixed.u16(8)
        let (nameSize, extraSize) = (fixed.u16(26), fixed.u16(28))
        end = start + Self.fixedSize + nameSize + extraSize
        guard end <= limit else { throw .damaged("\(entry) and what is behind it overlap") }
        let bytes = ZipBytes(try archive.read(start + Self.fixedSize..<end))
        name = bytes.content[..<nameSize]
        let wide = try ZipExtra(bytes, nameSize..<nameSize + extraSize, of: name).wideSizes
        var sizes = ZipSizes(checksum: fixed.u32(14), compressed: fixed.u32(18), content: fixed.u32(22))
        let isWide = sizes.compressed == 0xFFFF_FFFF && sizes.content == 0xFFFF_FFFF
        guard isWide == (wide != nil) else { throw .damaged("a size of \(entry) is wrong") }
        if let wide { (sizes.content, sizes.compressed) = wide }
        self.sizes = sizes
    }
}

/// What both headers and the descriptor tell of an entry's data, sizes in bytes.
struct ZipSizes {
    static let descriptorSignature = 0x0807_4B50
    /// The largest descriptor, in bytes.
    static let largest = 24

    var checksum: Int
    var compressed: Int
    var content: Int

    /// - Parameter mayBeMissing: whether a value may be 0, to stand in the descriptor only.
    func agree(with other: ZipSizes, mayBeMissing: Bool) -> Bool {
        func agree(_ own: Int, _ other: Int) -> Bool { own == other || mayBeMissing && own == 0 }
        return agree(checksum, other.checksum) && agree(compressed, other.compressed)
            && agree(content, other.content)
    }

    /// Whether the bytes are a data descriptor (§4.3.9) of these sizes and no more: with a signature or without, and with
    /// sizes of 4 or 8 bytes.
    func isDescriptor(_ bytes: ZipBytes) -> Bool {
        let (hasSignature, isWide) =
            switch bytes.count {
            case 12: (false, false)
            case 16: (true, false)
            case 20: (false, true)
            case 24: (true, true)
            default: (false, false)
            }
        let start = hasSignature ? 4 : 0
        guard bytes.count == start + (isWide ? 20 : 12),
            !hasSignature || bytes.has(signature: Self.descriptorSignature, at: 0), bytes.u32(start) == checksum
        else { return false }
        return isWide
            ? bytes.u64(start + 4) == compressed && bytes.u64(start + 12) == content
            : bytes.u32(start + 4) == compressed && bytes.u32(start + 8) == content
    }
}

/// The extra fields of a header (§4.5), of which those count that would give a reader another size or name.
struct ZipExtra {
    private static let zip64 = 1
    /// Info-ZIP's name in UTF-8 (§4.6.9), which some readers take in place of the header's.
    private static let unicodePath = 0x7075

    /// The content's size and that of its data, of a zip64 field (§4.5.3).
    private(set) var wideSizes: (content: Int, compressed: Int)?

    /// - Parameter name: that of the header.
    init(_ bytes: ZipBytes, _ range: Range<Int>, of name: ArraySlice<UInt8>) throws(InvokError) {
        var seen: Set<Int> = []
        var start = range.lowerBound
        while start < range.upperBound {
            guard start + 4 <= range.upperBound, case let id = bytes.u16(start),
                case let end = start + 4 + bytes.u16(start + 2), end <= range.upperBound
            else { throw .damaged("the extra fields of an entry are cut off") }
            if id == Self.zip64 || id == Self.unicodePath {
                guard seen.insert(id).inserted else { throw .damaged("an entry has an extra field twice") }
            }
            if id == Self.zip64 {
                guard end - start == 4 + 16, let content = bytes.u64(start + 4), let compressed = bytes.u64(start + 12)
                else { throw .damaged("a size in it is wrong") }
                wideSizes = (content, compressed)
            }
            if id == Self.unicodePath {
                guard end - start >= 4 + 5, bytes.content[start + 9..<end] == name else {
                    throw .damaged("an entry has two names")
                }
            }
            start = end
        }
    }
}
