public import Invok
import InvokPOSIX

/// Reads zip archives (PKWARE APPNOTE 6.3.10): `ZipDirectory` checks the structure, and the contents are taken from the
/// very places that were checked.
///
/// It has threads of its own, for inflating takes long. Those that wait for one are bounded.
public struct ZipReader: ArchiveReader {
    static let threads = 2
    /// Archives that may wait for a thread; the next one is turned away.
    static let queueLimit = 64

    private let workers = WorkerPool(threads: threads)
    private let queueLimit: Int

    public init() { self.init(queueLimit: Self.queueLimit) }

    init(queueLimit: Int) { self.queueLimit = queueLimit }

    public func entries(
        of archive: any ByteSource, limits: ArchiveLimits
    ) async throws(InvokError) -> [ArchiveEntry] {
        guard archive.count <= limits.archiveBytes else { throw .archiveTooLarge(limits) }
        return try await reading { () throws(InvokError) in try Self.read(archive, limits) }
    }

    public func reading<Value: Sendable>(
        _ work: @escaping @Sendable () throws(InvokError) -> Value
    ) async throws(InvokError) -> Value {
        guard workers.waiting < queueLimit else { throw .busyReading }
        return try await workers.run(work)
    }

    private static func read(_ archive: any ByteSource, _ limits: ArchiveLimits) throws(InvokError) -> [ArchiveEntry] {
        var entries: [ArchiveEntry] = []
        for entry in try ZipDirectory(archive, limits: limits).entries {
            // Once, so that nothing is begun with an archive that turns out to be damaged.
            try ZipContent.read(entry, of: archive) { _ in }
            // What a link or a device holds is nothing that anybody wants.
            let content: any ByteStream = entry.kind == .file ? EntryContent(entry: entry, archive: archive) : [UInt8]()
            entries.append(
                ArchiveEntry(path: entry.path, kind: entry.kind, isExecutable: entry.isExecutable, content: content))
        }
        return entries
    }
}

/// The content of a file, inflated each time that it is read.
private struct EntryContent: ByteStream {
    let entry: ZipEntry
    let archive: any ByteSource

    var count: Int { entry.size }

    func forEachPiece(_ body: (ArraySlice<UInt8>) throws(InvokError) -> Void) throws(InvokError) {
        try ZipContent.read(entry, of: archive, each: body)
    }
}

extension InvokError {
    static func damaged(_ how: String) -> InvokError {
        .invalidArchive("the zip archive is damaged: \(how)", nextStep: "make the archive again")
    }

    fileprivate static let busyReading = InvokError(
        .noCapacity, "the server is busy with other archives", nextStep: "try again in a moment", retryAfterSeconds: 10)

    static func archiveTooLarge(_ limits: ArchiveLimits) -> InvokError {
        tooLarge("the archive is larger than \(limits.archiveBytes) bytes")
    }

    static func tooManyEntries(_ limits: ArchiveLimits) -> InvokError {
        tooLarge("the archive has more than \(limits.entries) entries")
    }

    static func tooMuchContent(_ limits: ArchiveLimits) -> InvokError {
        tooLarge("the archive holds more than \(limits.contentBytes) bytes when unpacked")
    }

    static func directoryTooLarge(_ bytes: Int) -> InvokError {
        tooLarge("the list of the archive's entries is larger than \(bytes) bytes")
    }

    private static func tooLarge(_ message: String) -> InvokError {
        InvokError(.payloadTooLarge, message, nextStep: "leave out what the function does not need")
    }
}
