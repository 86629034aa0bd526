/// Reads an uploaded zip archive. A computation without effects; a port because the format's library is not part of
/// the system without effects.
public protocol ArchiveReader: Sendable {
    /// Lists the entries with their contents, in the archive's order.
    /// - Throws: `invalid_archive` when the bytes are not a whole zip archive, `payload_too_large` as soon as a limit is
    ///   passed.
    func entries(of archive: [UInt8], limits: ArchiveLimits) throws(InvokError) -> [ArchiveEntry]
}
