import CLibArchive
public import Invok

/// Reads zip archives from memory: `ZipDirectory` checks the structure, libarchive inflates and compares checksums.
public struct LibArchiveReader: ArchiveReader {
    static let chunkBytes = 64 * 1024

    public init() {}

    public func entries(of archive: [UInt8], limits: ArchiveLimits) throws(InvokError) -> [ArchiveEntry] {
        guard archive.count <= limits.archiveBytes else { throw .archiveTooLarge(limits) }
        let directory = try ZipDirectory(archive, limits: limits)
        guard !directory.entries.isEmpty else { return [] }
        return try archive.withUnsafeBufferPointer { (bytes) throws(InvokError) in
            guard let reader = archive_read_new() else { throw .outOfMemory }
            defer { archive_read_free(reader) }
            // Only the seekable reader: the streamable one would accept an archive without its directory. On macOS it
            // would hide the files that the Finder adds; what is listed is to be reported.
            guard archive_read_support_format_zip_seekable(reader) == ARCHIVE_OK,
                archive_read_set_option(reader, "zip", "mac-ext", nil) == ARCHIVE_OK,
                archive_read_open_memory(reader, bytes.baseAddress, bytes.count) == ARCHIVE_OK
            else { throw .unreadable(reader) }
            return try Self.inflate(directory.entries, reader, limits)
        }
    }

    private static func inflate(
        _ listed: [ZipDirectory.Entry], _ reader: OpaquePointer, _ limits: ArchiveLimits
    ) throws(InvokError) -> [ArchiveEntry] {
        var entries: [ArchiveEntry] = []
        entries.reserveCapacity(listed.count)
        var header: OpaquePointer?
        for entry in listed {
            // A warning is about the name's conversion to the locale; the name is taken from the directory.
            guard archive_read_next_header(reader, &header) >= ARCHIVE_WARN else { throw .unreadable(reader) }
            // A link's content is its target, which libarchive keeps for itself.
            let content = entry.kind == .file ? try content(of: entry, reader) : []
            entries.append(ArchiveEntry(path: entry.path, kind: entry.kind, content: content))
        }
        guard archive_read_next_header(reader, &header) == ARCHIVE_EOF else {
            throw .damaged("it has entries that its directory does not list")
        }
        return entries
    }

    /// Inflates one entry, and stops as soon as it is more than it said; what all of them say is within the limits.
    private static func content(
        of entry: ZipDirectory.Entry, _ reader: OpaquePointer
    ) throws(InvokError) -> [UInt8] {
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(chunkBytes, entry.size + 1))
        while true {
            let count = archive_read_data(reader, &chunk, chunk.count)
            // Also a wrong checksum or size, which libarchive calls a warning.
            guard count >= 0 else { throw .unreadable(reader) }
            guard count > 0 else { break }
            guard content.count + count <= entry.size else {
                throw .damaged("'\(entry.path.prefix(120))' is larger than it says")
            }
            content.append(contentsOf: chunk[..<count])
        }
        guard content.count == entry.size else {
            throw .damaged("'\(entry.path.prefix(120))' is smaller than it says")
        }
        return content
    }
}

extension InvokError {
    fileprivate static let outOfMemory = InvokError(
        .unavailable, "the service is temporarily unavailable", nextStep: "try again in a moment",
        inner: "libarchive: out of memory", retryAfterSeconds: 2)

    fileprivate static func unreadable(_ reader: OpaquePointer) -> InvokError {
        let text = archive_error_string(reader).map { String(cString: $0) } ?? "unknown"
        return InvokError(
            .invalidArchive, "the zip archive is damaged: its content cannot be read",
            nextStep: "make the archive again", inner: "libarchive: \(text)")
    }
}
