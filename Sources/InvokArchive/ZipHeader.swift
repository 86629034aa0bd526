import Invok

/// One header of the directory (APPNOTE §4.3.12).
struct ZipHeader {
    static let localSignature = 0x0403_4B50
    private static let signature = 0x0201_4B50
    private static let fixedSize = 46
    /// Traditional and strong encryption, and an encrypted directory (§4.4.4).
    private static let encryptionFlags = 1 << 0 | 1 << 6 | 1 << 13
    /// The sizes stand in a descriptor behind the data.
    private static let descriptorFlag = 1 << 3
    /// Flags that change what an entry is, and have to be the same in both headers: those above and UTF-8 names.
    private static let tellingFlags = encryptionFlags | descriptorFlag | 1 << 11

    /// The content's size, in bytes.
    let size: Int
    /// Where the local header starts.
    let offset: Int
    /// Where the next header starts.
    let end: Int

    private let name: ArraySlice<UInt8>
    private let flags: Int
    private let method: Int
    private let checksum: Int
    private let compressedSize: Int
    private let attributes: Int

    /// Reads the header at `start` of a directory.
    init(_ bytes: ZipBytes, at start: Int) throws(InvokError) {
        guard start + Self.fixedSize <= bytes.count, bytes.has(signature: Self.signature, at: start) else {
            throw .damaged("its directory is cut off")
        }
        flags = bytes.u16(start + 8)
        method = bytes.u16(start + 10)
        checksum = bytes.u32(start + 16)
        compressedSize = bytes.u32(start + 20)
        size = bytes.u32(start + 24)
        attributes = bytes.u32(start + 38)
        offset = bytes.u32(start + 42)
        let nameEnd = start + Self.fixedSize + bytes.u16(start + 28)
        let extraEnd = nameEnd + bytes.u16(start + 30)
        end = extraEnd + bytes.u16(start + 32)
        guard end <= bytes.count else { throw .damaged("its directory is cut off") }
        name = bytes.content[start + Self.fixedSize..<nameEnd]
        let extra = try ZipExtra(bytes, nameEnd..<extraEnd, of: name)
        // Nothing that may be uploaded is that large, so a second set of sizes serves to deceive one of two readers.
        guard extra.wideSizes == nil, ![size, compressedSize, offset].contains(0xFFFF_FFFF) else {
            throw .damaged("an entry in its directory has zip64 sizes")
        }
    }

    /// Checks the entry, and that its own header and descriptor say the same.
    /// - Parameter limit: where the next thing starts; the entry fills all up to it.
    func entry(in archive: any ByteSource, before limit: Int) throws(InvokError) -> ZipEntry {
        guard let path = String(validating: name, as: UTF8.self) else {
            throw .invalidArchive("the archive has a file name that is not UTF-8", nextStep: "rename the file")
        }
        let shown = "'\(path.prefix(120))'"
        let local = try ZipLocalHeader(archive, at: offset, before: limit, entry: shown)
        guard (flags | local.flags) & Self.encryptionFlags == 0 else {
            throw .invalidArchive("the archive is encrypted", nextStep: "make it without a password")
        }
        guard let known = ZipEntry.Method(rawValue: method) else {
            throw .invalidArchive("\(shown) is compressed by method \(method)", nextStep: "use 'deflate' or 'store'")
        }
        let isStreamed = flags & Self.descriptorFlag != 0
        let sizes = ZipSizes(checksum: checksum, compressed: compressedSize, content: size)
        guard local.name == name, local.method == method, (local.flags ^ flags) & Self.tellingFlags == 0,
            local.sizes.agree(with: sizes, mayBeMissing: isStreamed),
            known != .stored || compressedSize == size
        else { throw .damaged("\(shown) and the directory do not agree") }
        let data = local.end..<local.end + compressedSize
        guard data.upperBound <= limit else { throw .damaged("\(shown) and what is behind it overlap") }
        let behind = ZipBytes(try archive.read(data.upperBound..<min(limit, data.upperBound + ZipSizes.largest + 1)))
        guard isStreamed ? sizes.isDescriptor(behind) : behind.count == 0 else {
            throw .damaged("something stands behind \(shown)")
        }
        let kind = kind(of: path)
        guard kind != .directory || size == 0 else { throw .damaged("\(shown) is a folder with content") }
        return ZipEntry(
            path: path, kind: kind, isExecutable: attributes >> 16 & 0o111 != 0, method: known, data: data, size: size,
            checksum: checksum)
    }

    /// The upper half of the attributes is the Unix mode; it is believed from every tool, since extractors do so too.
    private func kind(of path: String) -> ArchiveEntry.Kind {
        switch attributes >> 16 & 0o170000 {
        case 0o120000: .symbolicLink
        case 0o040000: .directory
        case 0, 0o100000: path.hasSuffix("/") ? .directory : .file
        default: .other
        }
    }
}

/// Little-endian reads. The caller has checked the bounds.
struct ZipBytes {
    let content: [UInt8]

    init(_ content: [UInt8]) { self.content = content }

    var count: Int { content.count }

    func u16(_ offset: Int) -> Int { Int(content[offset]) | Int(content[offset + 1]) << 8 }

    func u32(_ offset: Int) -> Int { u16(offset) | u16(offset + 2) << 16 }

    /// - Returns: `nil` for more than an `Int` holds.
    func u64(_ offset: Int) -> Int? {
        let high = u32(offset + 4)
        return high < 1 << 31 ? u32(offset) | high << 32 : nil
    }

    /// Whether the signature stands there; this one checks the bounds itself.
    func has(signature: Int, at offset: Int) -> Bool {
        offset >= 0 && offset + 4 <= count && u32(offset) == signature
    }
}
