import Glibc
public import Invok
import InvokPOSIX
import Synchronization

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
        do throws(SystemError) {
            try Files.makeDirectories(temporary, mode: 0o700)
            for name in try Files.list(temporary) { try Files.remove("\(temporary)/\(name)") }
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
        let file = try Self.filing { () throws(SystemError) in
            try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_EXCL)
        }
        let digest = try Self.copy(source, to: file)
        return try Self.filing { () throws(SystemError) in
            // A damaged file is written anew, so that deploying again mends it.
            if isWhole(digest) {
                try Files.remove(temporary)
                return digest
            }
            try file.synchronize()
            if try Files.ensureDirectory(folder(digest), mode: 0o700) { try Files.synchronize(directory) }
            try Files.rename(temporary, to: path(digest))
            try Files.synchronize(folder(digest))
            return digest
        }
    }

    /// - Returns: the digest of what was copied.
    private static func copy(_ source: any ByteSource, to file: Descriptor) throws(ArtifactError) -> Digest {
        var digest = Digest.Builder()
        do throws(CopyError<SystemError>) {
            try source.copy { (piece) throws(SystemError) in
                digest.add(piece)
                try file.writeAll(piece)
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
            do throws(SystemError) {
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
            try Self.filing { () throws(SystemError) in try Files.remove(path(digest)) }
        }
    }

    public func list() async throws(ArtifactError) -> Set<Digest> {
        try await workers.run { [self] () throws(ArtifactError) in
            try Self.filing { () throws(SystemError) in
                var digests: Set<Digest> = []
                for folder in try Files.list(directory) where folder.utf8.count == 2 {
                    let names = try Files.list("\(directory)/\(folder)")
                    digests.formUnion(names.compactMap { Digest($0) })
                }
                return digests
            }
        }
    }

    private func folder(_ digest: Digest) -> String { "\(directory)/\(digest.description.prefix(2))" }

    private func path(_ digest: Digest) -> String { "\(folder(digest))/\(digest)" }

    private static func filing<Value>(_ call: () throws(SystemError) -> Value) throws(ArtifactError) -> Value {
        do throws(SystemError) { return try call() } catch { throw ArtifactError(error) }
    }
}

extension ArtifactError {
    fileprivate init(_ error: SystemError) {
        self = error.isFull ? .full : .unavailable(error.message)
    }
}
