/// Uploaded archives, by digest. Immutable once put.
public protocol ArtifactStore: Sendable {
    /// Keeps the bytes durably, a piece after the other. Putting the same bytes again does nothing.
    /// - Returns: their digest.
    /// - Throws: `full`, and `unavailable`, also where the source cannot be read.
    func put(_ source: any ByteSource) async throws(ArtifactError) -> Digest
    /// Opens what is kept, which stays readable for as long as the source is held, even once it is removed.
    /// - Throws: `notFound`; `corrupt` when what is kept does not have this digest; `full` where there is no room for a
    ///   copy to read from; `unavailable`.
    func open(_ digest: Digest) async throws(ArtifactError) -> any ByteSource
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

    /// The bytes to keep cannot be read.
    package init(reading error: InvokError) { self = .unavailable(error.inner ?? error.message) }
}
