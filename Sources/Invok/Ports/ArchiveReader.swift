/// Reads an uploaded zip archive. A computation; a port because the format's library is not part of the system without
/// effects, and because it takes long: an adapter keeps it off the threads that tasks run on.
public protocol ArchiveReader: Sendable {
    /// Finds the archive whole, all of its contents too, and lists the entries in the order of their data. Contents stay
    /// where they are, and are inflated again whenever they are read.
    /// - Throws: `invalid_archive` when the bytes are not a whole zip archive, `payload_too_large` as soon as a limit
    ///   is passed, `no_capacity` when too many archives wait to be read, and what the source throws.
    func entries(of archive: any ByteSource, limits: ArchiveLimits) async throws(InvokError) -> [ArchiveEntry]
    /// Does work that reads an archive or its contents, where it may block and take long.
    /// - Throws: `no_capacity`, and what the work throws.
    func reading<Value: Sendable>(
        _ work: @escaping @Sendable () throws(InvokError) -> Value
    ) async throws(InvokError) -> Value
}

extension ArchiveReader {
    /// The checked files of an archive.
    /// - Throws: what `entries` and `SourceArchive` throw.
    func source(of archive: any ByteSource, limits: ArchiveLimits) async throws(InvokError) -> SourceArchive {
        let entries = try await entries(of: archive, limits: limits)
        return try await reading { () throws(InvokError) in try SourceArchive(entries: entries) }
    }
}
