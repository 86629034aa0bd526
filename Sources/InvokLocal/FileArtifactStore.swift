public import Invok
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Archives as files named by their SHA-256, in folders of its first two digits.
///
/// A file appears under its name only when it is whole and on the disk: it is written under a temporary name, synced,
/// renamed, and the folder synced. A crash leaves at most a temporary file, which the next start removes.
public final class FileArtifactStore: ArtifactStore {
    private let directory: String
    private let temporary: String
    private let queue = BlockingQueue(label: "invok.artifacts")
    private let names = Atomic<UInt64>(0)

    /// Opens the store, making its folder where needed, and removes what a crash left half-written.
    /// - Parameter directory: a folder of this store alone, used by one core at a time.
    /// - Throws: `unavailable`, or `full`.
    public init(directory: String) throws(ArtifactError) {
        self.directory = directory
        temporary = "\(directory)/tmp"
        do throws(FileError) {
            try Files.makeDirectories(temporary)
            for name in try Files.names(in: temporary) { try Files.remove("\(temporary)/\(name)") }
        } catch {
            throw ArtifactError(error)
        }
    }

    public func put(_ bytes: [UInt8]) async throws(ArtifactError) -> Digest {
        let digest = Digest(of: bytes)
        return try await onQueue { (store) throws(FileError) in
            // A damaged file is written anew, so that deploying again mends it.
            if let kept = try? Files.read(store.path(digest)), kept == bytes { return digest }
            let temporary = "\(store.temporary)/\(store.names.add(1, ordering: .relaxed).newValue)"
            do throws(FileError) {
                try Files.with(temporary, O_WRONLY | O_CREAT | O_EXCL) { (descriptor) throws(FileError) in
                    try Files.write(bytes, to: descriptor, path: temporary)
                    try Files.synchronize(descriptor, path: temporary)
                }
                if try Files.makeDirectory(store.folder(digest)) { try Files.synchronizeDirectory(store.directory) }
                try Files.rename(temporary, to: store.path(digest))
                try Files.synchronizeDirectory(store.folder(digest))
            } catch {
                try? Files.remove(temporary)
                throw error
            }
            return digest
        }
    }

    public func get(_ digest: Digest) async throws(ArtifactError) -> [UInt8] {
        let bytes: [UInt8]? = try await onQueue { (store) throws(FileError) in
            do throws(FileError) {
                return try Files.read(store.path(digest))
            } catch {
                guard error.isMissing else { throw error }
                return nil
            }
        }
        guard let bytes else { throw .notFound }
        guard Digest(of: bytes) == digest else { throw .corrupt }
        return bytes
    }

    public func remove(_ digest: Digest) async throws(ArtifactError) {
        try await onQueue { (store) throws(FileError) in try Files.remove(store.path(digest)) }
    }

    public func list() async throws(ArtifactError) -> Set<Digest> {
        try await onQueue { (store) throws(FileError) in
            var digests: Set<Digest> = []
            for folder in try Files.names(in: store.directory) where folder.utf8.count == 2 {
                let names = try Files.names(in: "\(store.directory)/\(folder)")
                digests.formUnion(names.compactMap { Digest($0) })
            }
            return digests
        }
    }

    private func folder(_ digest: Digest) -> String { "\(directory)/\(digest.description.prefix(2))" }

    private func path(_ digest: Digest) -> String { "\(folder(digest))/\(digest)" }

    private func onQueue<Value: Sendable>(
        _ call: @escaping @Sendable (FileArtifactStore) throws(FileError) -> Value
    ) async throws(ArtifactError) -> Value {
        do throws(FileError) {
            return try await queue.run { () throws(FileError) in try call(self) }
        } catch {
            throw ArtifactError(error)
        }
    }
}

extension ArtifactError {
    fileprivate init(_ error: FileError) {
        self = error.isFull ? .full : .unavailable(error.message)
    }
}
