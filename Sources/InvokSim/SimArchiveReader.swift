public import Invok

/// Reads zip archives of stored files, which is what `ZipWriter` makes (PKWARE APPNOTE 6.3.10); no compression.
public struct SimArchiveReader: ArchiveReader {
    public init() {}

    public func entries(of source: any ByteSource, limits: ArchiveLimits) throws(InvokError) -> [ArchiveEntry] {
        guard source.count <= limits.archiveBytes else { throw Self.tooLarge("the archive", limits.archiveBytes) }
        let archive = try source.read(0..<source.count)
        var directory = try Self.directory(of: archive)
        guard directory.count <= limits.entries else {
            throw InvokError(.payloadTooLarge, "the archive has more than \(limits.entries) entries")
        }
        var total = 0
        var entries: [ArchiveEntry] = []
        for _ in 0..<directory.count {
            let entry = try Self.entry(at: &directory.reader, in: archive)
            total += entry.content.count
            guard total <= limits.contentBytes else { throw Self.tooLarge("the content", limits.contentBytes) }
            entries.append(entry)
        }
        return entries
    }

    public func reading<Value: Sendable>(
        _ work: @escaping @Sendable () throws(InvokError) -> Value
    ) throws(InvokError) -> Value {
        try work()
    }

    /// Finds the central directory through the record at the archive's end, which has no comment.
    private static func directory(of archive: [UInt8]) throws(InvokError) -> (count: Int, reader: Reader) {
        var end = Reader(bytes: archive, offset: archive.count - 22)
        guard archive.count >= 22, try end.integer(4) == 0x0605_4B50 else { throw notZip }
        end.offset += 6
        let count = try end.integer(2)
        let size = try end.integer(4)
        let start = try end.integer(4)
        guard start + size == archive.count - 22 else { throw notZip }
        return (count, Reader(bytes: archive, offset: start))
    }

    private static func entry(at reader: inout Reader, in archive: [UInt8]) throws(InvokError) -> ArchiveEntry {
        guard try reader.integer(4) == 0x0201_4B50 else { throw notZip }
        reader.offset += 6
        guard try reader.integer(2) == 0 else {
            throw InvokError(.invalidArchive, "the archive is compressed, which the simulation does not read")
        }
        reader.offset += 4
        let checksum = try reader.integer(4)
        let size = try reader.integer(4)
        reader.offset += 4
        let nameLength = try reader.integer(2)
        let skipped = try reader.integer(2) + reader.integer(2)
        reader.offset += 4
        let mode = try reader.integer(4) >> 16
        var local = Reader(bytes: archive, offset: try reader.integer(4))
        let name = try reader.take(nameLength)
        reader.offset += skipped
        guard let path = String(validating: name, as: UTF8.self), try local.integer(4) == 0x0403_4B50 else {
            throw notZip
        }
        local.offset += 22
        local.offset += try local.integer(2) + local.integer(2)
        let content = Array(try local.take(size))
        guard CRC32.checksum(of: content) == UInt32(checksum) else { throw notZip }
        return ArchiveEntry(
            path: path, kind: kind(mode: mode, path: path), isExecutable: mode & 0o111 != 0, content: content)
    }

    /// The file type in a Unix mode (stat(2)).
    private static func kind(mode: Int, path: String) -> ArchiveEntry.Kind {
        switch mode & 0o170000 {
        case 0o100000, 0: path.hasSuffix("/") ? .directory : .file
        case 0o040000: .directory
        case 0o120000: .symbolicLink
        default: .other
        }
    }

    private static let notZip = InvokError(
        .invalidArchive, "the upload is not a whole zip archive", nextStep: "deploy with 'invok deploy' or zip again")

    private static func tooLarge(_ what: String, _ bytes: Int) -> InvokError {
        InvokError(.payloadTooLarge, "\(what) is larger than \(bytes) bytes")
    }

    /// Little-endian integers from bytes that may end too early.
    private struct Reader {
        let bytes: [UInt8]
        var offset: Int

        mutating func integer(_ width: Int) throws(InvokError) -> Int {
            try take(width).reversed().reduce(0) { $0 << 8 | Int($1) }
        }

        mutating func take(_ count: Int) throws(InvokError) -> ArraySlice<UInt8> {
            guard offset >= 0, count >= 0, offset <= bytes.count - count else { throw notZip }
            defer { offset += count }
            return bytes[offset..<offset + count]
        }
    }
}
