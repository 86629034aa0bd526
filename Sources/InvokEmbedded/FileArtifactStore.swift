public import Invok
import InvokPOSIX
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
    private let workers = WorkerPool(threads: 2)
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

    public func put(_ source: any ByteSource) async throws(ArtifactError) -> Digest {
        try await workers.run { [self] () throws(ArtifactError) in
            let temporary = "\(self.temporary)/\(names.add(1, ordering: .relaxed).newValue)"
            do throws(ArtifactError) {
                return try keep(source, by: temporary)
            } catch {
                try? Files.remove(temporary)
                throw error
            }
        }
    }

    /// Copies the source and gives the copy its name.
    private func keep(_ source: any ByteSource, by temporary: String) throws(ArtifactError) -> Digest {
        let descriptor = try Self.filing { () throws(FileError) in
            try Files.open(temporary, O_WRONLY | O_CREAT | O_EXCL)
        }
        defer { close(descriptor) }
        let digest = try Self.copy(source, to: descriptor, path: temporary)
        return try Self.filing { () throws(FileError) in
            // A damaged file is written anew, so that deploying again mends it.
            if isWhole(digest) {
                try Files.remove(temporary)
                return digest
            }
            try Files.synchronize(descriptor, path: temporary)
            if try Files.makeDirectory(folder(digest)) { try Files.synchronizeDirectory(directory) }
            try Files.rename(temporary, to: path(digest))
            try Files.synchronizeDirectory(folder(digest))
            return digest
        }
    }

    /// - Returns: the digest of what was copied.
    private static func copy(
        _ source: any ByteSource, to descriptor: Int32, path: String
    ) throws(ArtifactError) -> Digest {
        var digest = Digest.Builder()
        do throws(CopyError<FileError>) {
            try source.copy { (piece) throws(FileError) in
                digest.add(piece)
                try Files.write(piece, to: descriptor, path: path)
            }
        } catch {
            switch error {
            case .source(let error): throw ArtifactError(reading: error)
            case .destination(let error): throw ArtifactError(error)
            }
        }
        return digest.finish()
    }

    private func isWhole(_ digest: Digest) -> Bool {
        guard let file = try? OpenFile(path(digest)) else { return false }
        return (try? Digest(reading: file)) == digest
    }

    public func open(_ digest: Digest) async throws(ArtifactError) -> any ByteSource {
        try await workers.run { [self] () throws(ArtifactError) in
            let file: OpenFile
            do throws(FileError) {
                file = try OpenFile(path(digest))
            } catch {
                throw error.isMissing ? .notFound : ArtifactError(error)
            }
            let found: Digest
            do throws(InvokError) { found = try Digest(reading: file) } catch { throw ArtifactError(reading: error) }
            guard found == digest else { throw .corrupt }
            return file
        }
    }

    public func remove(_ digest: Digest) async throws(ArtifactError) {
        try await workers.run { [self] () throws(ArtifactError) in
            try Self.filing { () throws(FileError) in try Files.remove(path(digest)) }
        }
    }

    public func list() async throws(ArtifactError) -> Set<Digest> {
        try await workers.run { [self] () throws(ArtifactError) in
            try Self.filing { () throws(FileError) in
                var digests: Set<Digest> = []
                for folder in try Files.names(in: directory) where folder.utf8.count == 2 {
                    let names = try Files.names(in: "\(directory)/\(folder)")
                    digests.formUnion(names.compactMap { Digest($0) })
                }
                return digests
            }
        }
    }

    private func folder(_ digest: Digest) -> String { "\(directory)/\(digest.description.prefix(2))" }

    private func path(_ digest: Digest) -> String { "\(folder(digest))/\(digest)" }

    private static func filing<Value>(_ call: () throws(FileError) -> Value) throws(ArtifactError) -> Value {
        do throws(FileError) { return try call() } catch { throw ArtifactError(error) }
    }
}

extension ArtifactError {
    fileprivate init(_ error: FileError) {
        self = error.isFull ? .full : .unavailable(error.message)
    }
}
