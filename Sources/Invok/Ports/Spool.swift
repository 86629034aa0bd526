/// Temporary files (a spool): bytes on their way, kept outside of the memory. None outlives its core.
public protocol Spool: Sendable {
    /// Makes an empty file, which goes with the last reference to it.
    /// - Throws: `full`, `unavailable`.
    func make() async throws(SpoolError) -> any SpoolFile
}

/// One temporary file. One task at a time uses it, and nobody reads it before it is whole.
public protocol SpoolFile: ByteSource {
    /// Writes behind what is there.
    /// - Throws: `full`, `unavailable`; then some of the bytes may be there.
    func append(_ bytes: [UInt8]) async throws(SpoolError)
}

public enum SpoolError: Error, Hashable, Sendable {
    case full
    case unavailable(String)
}
