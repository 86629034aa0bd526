/// Reads an uploaded zip archive. A computation; a port because the format's library is not part of the system without
/// effects, and because it takes long: an adapter keeps it off the threads that tasks run on.
public protocol ArchiveReader: Sendable {
    /// Lists the entries with their contents, in the order of their data.
    /// - Throws: `invalid_archive` when the bytes are not a whole zip archive, `payload_too_large` as soon as a limit
    ///   is passed, `no_capacity` when too many archives wait to be read, and what the source throws.
    func entries(of archive: any ByteSource, limits: ArchiveLimits) async throws(InvokError) -> [ArchiveEntry]
    /// The whole archive in memory.
    /// - Throws: `no_capacity`, and what the source throws.
    func bytes(of archive: any ByteSource) async throws(InvokError) -> [UInt8]
}
