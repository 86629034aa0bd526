import Invok

/// One entry of a zip archive, checked: where its data is and what it must be.
struct ZipEntry {
    enum Method: Int {
        case stored = 0
        case deflated = 8
    }

    let path: String
    let kind: ArchiveEntry.Kind
    let isExecutable: Bool
    let method: Method
    /// Where the data is in the archive, as it is stored there.
    let data: Range<Int>
    /// The content's size in bytes.
    let size: Int
    /// The content's CRC-32.
    let checksum: Int
}

/// The central directory of a zip archive (PKWARE APPNOTE 6.3.10), read strictly.
///
/// Most readers tolerate archives that two programs may understand differently: bytes around the archive or between its
/// entries, a second directory, headers that do not agree, entries that share their data. All of these are refused
/// here, before anything is inflated: each byte of an archive belongs to one thing that every reader sees.
struct ZipDirectory {
    /// In the order of their data.
    let entries: [ZipEntry]

    /// - Throws: `invalid_archive`, or `payload_too_large` when the directory lists more than the limits allow.
    init(_ archive: any ByteSource, limits: ArchiveLimits) throws(InvokError) {
        let end = try ZipEnd(archive)
        guard end.entries <= limits.entries else { throw .tooManyEntries(limits) }
        let largest = ArchiveLimits.maximumDirectoryBytes
        guard end.directory.count <= largest else { throw .directoryTooLarge(largest) }
        let bytes = ZipBytes(try archive.read(end.directory))
        var headers: [ZipHeader] = []
        headers.reserveCapacity(end.entries)
        var position = 0
        var contentBytes = 0
        for _ in 0..<end.entries {
            let header = try ZipHeader(bytes, at: position)
            contentBytes += header.size
            guard contentBytes <= limits.contentBytes else { throw .tooMuchContent(limits) }
            headers.append(header)
            position = header.end
        }
        guard position == bytes.count else { throw .damaged("its directory lists too little") }
        headers.sort { $0.offset < $1.offset }
        entries = try Self.entries(headers, of: archive, before: end.directory.lowerBound)
    }

    /// Each entry reaches from its header to the next one's, and the last one to the directory.
    private static func entries(
        _ headers: [ZipHeader], of archive: any ByteSource, before directory: Int
    ) throws(InvokError) -> [ZipEntry] {
        guard headers.first?.offset ?? directory == 0 else { throw .damaged("something stands before its entries") }
        var entries: [ZipEntry] = []
        entries.reserveCapacity(headers.count)
        for (index, header) in headers.enumerated() {
            let next = index + 1 < headers.count ? headers[index + 1].offset : directory
            entries.append(try header.entry(in: archive, before: next))
        }
        return entries
    }
}

/// The record at the end of a zip archive (APPNOTE §4.3.16), which says where the directory is.
private struct ZipEnd {
    static let size = 22
    static let maximumCommentBytes = 65_535
    static let signature = 0x0605_4B50
    /// The locator of a zip64 record (§4.3.15). Another reader would take the directory that it leads to.
    static let locatorSignature = 0x0706_4B50
    static let locatorSize = 20

    let entries: Int
    let directory: Range<Int>

    init(_ archive: any ByteSource) throws(InvokError) {
        guard archive.count > 0 else { throw .invalidArchive("the archive is empty", nextStep: "upload a .zip file") }
        let tail = max(0, archive.count - Self.size - Self.maximumCommentBytes - Self.locatorSize)
        let bytes = ZipBytes(try archive.read(tail..<archive.count))
        guard let position = Self.find(bytes) else { throw try Self.withoutEnd(archive) }
        // The very last signature must be the true one, or two readers could see two directories.
        guard position + Self.size + bytes.u16(position + 20) == bytes.count else {
            throw .damaged("something stands behind it")
        }
        guard !bytes.has(signature: Self.locatorSignature, at: position - Self.locatorSize) else {
            throw .invalidArchive(
                "the archive has a zip64 directory, which one of this size does not need",
                nextStep: "zip the folder itself, not a stream; or use 'invok deploy'")
        }
        guard bytes.u16(position + 4) == 0, bytes.u16(position + 6) == 0,
            bytes.u16(position + 8) == bytes.u16(position + 10)
        else { throw .damaged("it has several parts") }
        entries = bytes.u16(position + 10)
        let start = bytes.u32(position + 16)
        let end = start + bytes.u32(position + 12)
        guard end == tail + position, entries > 0 || start == 0 else {
            throw .damaged("its directory is not where its end says")
        }
        directory = start..<end
    }

    private static func find(_ bytes: ZipBytes) -> Int? {
        let last = bytes.count - size
        guard last >= 0 else { return nil }
        return (max(0, last - maximumCommentBytes)...last).last { bytes.has(signature: signature, at: $0) }
    }

    private static func withoutEnd(_ archive: any ByteSource) throws(InvokError) -> InvokError {
        let start = ZipBytes(try archive.read(0..<min(4, archive.count)))
        return start.has(signature: ZipHeader.localSignature, at: 0)
            ? .damaged("its end is missing, so it is probably cut off")
            : .invalidArchive("this is not a zip archive", nextStep: "upload a .zip file")
    }
}
