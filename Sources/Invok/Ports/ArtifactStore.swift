/// Uploaded archives, by digest. Immutable once put.
public protocol ArtifactStore: Sendable {
    /// Keeps the bytes durably. Putting the same bytes again does nothing.
    /// - Returns: their digest.
    func put(_ bytes: [UInt8]) async throws(ArtifactError) -> Digest
    /// - Throws: `notFound`; `corrupt` when what is kept does not have this digest.
    func get(_ digest: Digest) async throws(ArtifactError) -> [UInt8]
    /// Does nothing when there is none. A store that several cores share keeps an archive that a version names by now:
    /// another core may have deployed it since the names were read.
    func remove(_ digest: Digest) async throws(ArtifactError)
    func list() async throws(ArtifactError) -> Set<Digest>
}

public enum ArtifactError: Error, Hashable, Sendable {
    case notFound
    case corrupt
    case full
    case unavailable(String)
}
