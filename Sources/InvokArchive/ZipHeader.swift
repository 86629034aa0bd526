import Invok

/// One header of the directory (APPNOTE §4.3.12) and the local one that it points to (§4.3.7).
struct ZipHeader {
    static let localSignature = 0x0403_4B50
    private static let signature = 0x0201_4B50
    private static let centralSize = 46
    private static let localSize = 30
    /// Traditional and strong encryption, and an encrypted directory (§4.4.4).
    private static let encryptionFlags = 1 << 0 | 1 << 6 | 1 << 13

    /// The inflated size, in bytes.
    let size: Int
    /// Where the next header starts.
    let end: Int

    private let name: ArraySlice<UInt8>
    private let flags: Int
    private let method: Int
    private let compressedSize: Int
    private let offset: Int
    private let attributes: Int

    /// Reads the header of the directory at `start`.
    init(_ bytes: ZipBytes, at start: Int, before limit: Int) throws(InvokError) {
        guard start + Self.centralSize <= limit, bytes.has(signature: Self.signature, at: start) else {
            throw .damaged("its directory is cut off")
        }
        flags = bytes.u16(start + 8)
        method = bytes.u16(start + 10)
        attributes = bytes.u32(start + 38)
        let nameEnd = start + Self.centralSize + bytes.u16(start + 28)
        let extraEnd = nameEnd + bytes.u16(start + 30)
        end = extraEnd + bytes.u16(start + 32)
        guard end <= limit else { throw .damaged("its directory is cut off") }
        name = bytes.content[start + Self.centralSize..<nameEnd]
        var wide = Zip64Extra(bytes, in: nameEnd..<extraEnd)
        size = try wide.value(orElse: bytes.u32(start + 24))
        compressedSize = try wide.value(orElse: bytes.u32(start + 20))
        offset = try wide.value(orElse: bytes.u32(start + 42))
    }

    /// Checks the header, and that the local one says the same.
    /// - Parameter directory: where the directory starts, and the data has ended.
    func entry(_ bytes: ZipBytes, before directory: Int) throws(InvokError) -> ZipDirectory.Entry {
        guard offset + Self.localSize <= directory, bytes.has(signature: Self.localSignature, at: offset) else {
            throw .damaged("an entry is missing")
        }
        let nameStart = offset + Self.localSize
        let nameEnd = nameStart + bytes.u16(offset + 26)
        let dataEnd = nameEnd + bytes.u16(offset + 28) + compressedSize
        guard dataEnd <= directory else { throw .damaged("the data of an entry is cut off") }
        guard bytes.content[nameStart..<nameEnd] == name, bytes.u16(offset + 8) == method else {
            throw .damaged("an entry and the directory do not agree")
        }
        guard (flags | bytes.u16(offset + 6)) & Self.encryptionFlags == 0 else {
            throw .invalidArchive("the archive is encrypted", nextStep: "make it without a password")
        }
        guard let path = String(validating: name, as: UTF8.self) else {
            throw .invalidArchive("the archive has a file name that is not UTF-8", nextStep: "rename the file")
        }
        guard method == 0 || method == 8 else {
            throw .invalidArchive(
                "'\(path.prefix(120))' is compressed by method \(method)", nextStep: "use 'deflate' or 'store'")
        }
        let kind = kind(of: path)
        guard kind != .directory || size == 0 else {
            throw .damaged("'\(path.prefix(120))' is a folder with content")
        }
        return ZipDirectory.Entry(path: path, kind: kind, extent: offset..<dataEnd, size: size)
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

/// The sizes and the offset that did not fit the header's 32 bits (APPNOTE §4.5.3), in that order.
private struct Zip64Extra {
    private let bytes: ZipBytes
    private var position = 0
    private var end = 0

    init(_ bytes: ZipBytes, in extra: Range<Int>) {
        self.bytes = bytes
        var start = extra.lowerBound
        while start + 4 <= extra.upperBound {
            let next = start + 4 + bytes.u16(start + 2)
            guard next <= extra.upperBound else { return }
            if bytes.u16(start) == 1 {
                (position, end) = (start + 4, next)
                return
            }
            start = next
        }
    }

    mutating func value(orElse narrow: Int) throws(InvokError) -> Int {
        guard narrow == 0xFFFF_FFFF else { return narrow }
        // No upload is that large, so the upper half of an honest value is zero.
        guard position + 8 <= end, bytes.u32(position + 4) == 0 else { throw .damaged("a size in it is wrong") }
        defer { position += 8 }
        return bytes.u32(position)
    }
}

/// Little-endian reads. The caller has checked the bounds.
struct ZipBytes {
    let content: [UInt8]

    init(_ content: [UInt8]) { self.content = content }

    var count: Int { content.count }

    func u16(_ offset: Int) -> Int { Int(content[offset]) | Int(content[offset + 1]) << 8 }

    func u32(_ offset: Int) -> Int { u16(offset) | u16(offset + 2) << 16 }

    /// Whether the signature stands there; this one checks the bounds itself.
    func has(signature: Int, at offset: Int) -> Bool { offset + 4 <= count && u32(offset) == signature }
}
