public import Invok
import Synchronization

/// Archives in memory, with room for a number of bytes.
public final class SimArtifactStore: ArtifactStore {
    private let contents = Mutex<[Digest: [UInt8]]>([:])
    private let capacityBytes: Int
    private let effects: SimEffects
    private let isNamed = Mutex<@Sendable (Digest) -> Bool>({ _ in false })

    /// - Parameter capacityBytes: what fits before a `put` throws `full`.
    public init(capacityBytes: Int = 1 << 30, effects: SimEffects = SimEffects()) {
        self.capacityBytes = capacityBytes
        self.effects = effects
    }

    private func effect<Value: Sendable>(
        _ name: String, _ detail: String = "", torn: () -> Void = {},
        _ body: (inout [Digest: [UInt8]]) throws(ArtifactError) -> Value
    ) async throws(ArtifactError) -> Value {
        try await effects.perform("artifacts.\(name)", detail, failure: ArtifactError.unavailable, torn: torn) {
            () throws(ArtifactError) in
            try contents.withLock { (contents) throws(ArtifactError) in try body(&contents) }
        }
    }

    public func put(_ source: any ByteSource) async throws(ArtifactError) -> Digest {
        let bytes: [UInt8]
        do throws(InvokError) { bytes = try source.read(0..<source.count) } catch {
            throw ArtifactError(reading: error)
        }
        let digest = Digest(of: bytes)
        let torn = { [self] in contents.withLock { $0[digest] = $0[digest] ?? Array(bytes.prefix(bytes.count / 2)) } }
        return try await effect("put", "\(digest)", torn: torn) { (contents) throws(ArtifactError) in
            let used = contents.values.reduce(0) { $0 + $1.count }
            guard contents[digest] != nil || used + bytes.count <= capacityBytes else { throw .full }
            contents[digest] = bytes
            return digest
        }
    }

    public func open(_ digest: Digest) async throws(ArtifactError) -> any ByteSource {
        try await effect("open", "\(digest)") { (contents) throws(ArtifactError) in
            guard let bytes = contents[digest] else { throw .notFound }
            guard Digest(of: bytes) == digest else { throw .corrupt }
            return bytes
        }
    }

    public func remove(_ digest: Digest) async throws(ArtifactError) {
        try await effect("remove", "\(digest)") { (contents) throws(ArtifactError) in
            if !isNamed.withLock({ $0 })(digest) { contents[digest] = nil }
        }
    }

    public func list() async throws(ArtifactError) -> Set<Digest> {
        try await effect("list") { (contents) throws(ArtifactError) in Set(contents.keys) }
    }

    /// All that is kept, whole or not.
    package var kept: Set<Digest> { contents.withLock { Set($0.keys) } }

    /// Whether it is there as it was put.
    package func isWhole(_ digest: Digest) -> Bool {
        contents.withLock { $0[digest] }.map { Digest(of: $0) == digest } ?? false
    }

    /// Keeps from now on what a version names, as a store must that several cores share.
    package func keepNamed(in store: SimMetadataStore) {
        isNamed.withLock { $0 = { digest in store.contents.allVersions.contains { $0.artifact == digest } } }
    }

    /// Changes what is kept behind the store's back, as a failing disk does.
    public func corrupt(_ digest: Digest) {
        contents.withLock { $0[digest]?.append(0) }
    }
}
