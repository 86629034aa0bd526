import Invok

/// The central directory of a zip archive (PKWARE APPNOTE 6.3.10), read strictly.
///
/// libarchive, like most readers, tolerates archives that two programs may understand differently: bytes around the
/// archive, names that differ between the local and the central header, entries that share their data. All of these
/// are refused here, before anything is inflated.
struct ZipDirectory {
    struct Entry {
        let path: String
        let kind: ArchiveEntry.Kind
        /// Where the local header starts and where the data ends.
        let extent: Range<Int>
        /// The inflated size that the directory tells, in bytes.
        let size: Int
    }

    /// In the order of their data.
    let entries: [Entry]

    /// - Throws: `invalid_archive`, or `payload_too_large` when the directory lists more than the limits allow.
    init(_ archive: [UInt8], limits: ArchiveLimits) throws(InvokError) {
        let bytes = ZipBytes(archive)
        let end = try ZipEnd(bytes)
        guard end.entries <= limits.entries else { throw .tooManyEntries(limits) }
        var entries: [Entry] = []
        entries.reserveCapacity(end.entries)
        var position = end.directory.lowerBound
        var contentBytes = 0
        for _ in 0..<end.entries {
            let header = try ZipHeader(bytes, at: position, before: end.directory.upperBound)
            contentBytes += header.size
            guard contentBytes <= limits.contentBytes else { throw .tooMuchContent(limits) }
            entries.append(try header.entry(bytes, before: end.directory.lowerBound))
            position = header.end
        }
        guard position == end.directory.upperBound else { throw .damaged("its directory lists too little") }
        self.entries = entries.sorted { $0.extent.lowerBound < $1.extent.lowerBound }
        try refuseOverlaps()
    }

    private func refuseOverlaps() throws(InvokError) {
        if let first = entries.first, first.extent.lowerBound != 0 { throw .damaged("something stands before it") }
        for (entry, next) in zip(entries, entries.dropFirst())
        where entry.extent.upperBound > next.extent.lowerBound {
            throw .damaged("'\(entry.path.prefix(120))' and '\(next.path.prefix(120))' overlap")
        }
    }
}

/// The record at the end of a zip archive (APPNOTE §4.3.16), which says where the directory is.
private struct ZipEnd {
    static let size = 22
    static let maximumCommentBytes = 65_535
    /// The zip64 record and its locator (§4.3.14, §4.3.15), which some tools write without need.
    static let zip64Size = 56 + 20

    let entries: Int
    let directory: Range<Int>

    init(_ bytes: ZipBytes) throws(InvokError) {
        guard bytes.count > 0 else { throw .invalidArchive("the archive is empty", nextStep: "upload a .zip file") }
        guard let position = Self.find(bytes) else {
            throw bytes.has(signature: ZipHeader.localSignature, at: 0)
                ? .damaged("its end is missing, so it is probably cut off")
                : .invalidArchive("this is not a zip archive", nextStep: "upload a .zip file")
        }
        // The very last signature must be the true one, or two readers could see two directories.
        guard position + Self.size + bytes.u16(position + 20) == bytes.count else {
            throw .damaged("something stands behind it")
        }
        guard bytes.u16(position + 4) == 0, bytes.u16(position + 6) == 0,
            bytes.u16(position + 8) == bytes.u16(position + 10)
        else { throw .damaged("it has several parts") }
        entries = bytes.u16(position + 10)
        let start = bytes.u32(position + 16)
        let end = start + bytes.u32(position + 12)
        let isFollowedByZip64 = end + Self.zip64Size == position && bytes.has(signature: 0x0606_4B50, at: end)
        guard end == position || isFollowedByZip64, entries > 0 || start == 0 else {
            throw .damaged("its directory is not where its end says")
        }
        directory = start..<end
    }

    private static func find(_ bytes: ZipBytes) -> Int? {
        let last = bytes.count - size
        guard last >= 0 else { return nil }
        return (max(0, last - maximumCommentBytes)...last).last { bytes.has(signature: 0x0605_4B50, at: $0) }
    }
}

extension InvokError {
    static func damaged(_ how: String) -> InvokError {
        .invalidArchive("the zip archive is damaged: \(how)", nextStep: "make the archive again")
    }

    static func archiveTooLarge(_ limits: ArchiveLimits) -> InvokError {
        tooLarge("the archive is larger than \(limits.archiveBytes) bytes")
    }

    static func tooManyEntries(_ limits: ArchiveLimits) -> InvokError {
        tooLarge("the archive has more than \(limits.entries) entries")
    }

    static func tooMuchContent(_ limits: ArchiveLimits) -> InvokError {
        tooLarge("the archive holds more than \(limits.contentBytes) bytes when unpacked")
    }

    private static func tooLarge(_ message: String) -> InvokError {
        InvokError(.payloadTooLarge, message, nextStep: "leave out what the function does not need")
    }
}
