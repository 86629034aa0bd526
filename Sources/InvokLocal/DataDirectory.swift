#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The folder in which an installation keeps everything, held by one core at a time for as long as this value lives.
public final class DataDirectory: Sendable {
    public let path: String
    private let lock: Int32

    /// The SQLite database file.
    public var database: String { "\(path)/invok.sqlite" }
    /// Uploaded archives.
    public var artifacts: String { "\(path)/artifacts" }
    /// Built bundles.
    public var bundles: String { "\(path)/bundles" }
    /// The functions' logs.
    public var logs: String { "\(path)/logs" }
    /// Sockets and what else lives as long as a core or an instance.
    public var run: String { "\(path)/run" }
    /// The secret that signs tokens, where none is configured.
    public var tokenSecret: String { "\(path)/jwt-secret" }

    /// Makes the folder (mode 0700) and those in it where they are missing, and takes its lock.
    /// - Throws: `inUse` when another core holds the lock; `unusable`.
    public init(path: String) throws(DataDirectoryError) {
        self.path = path
        do throws(FileError) {
            try Files.makeDirectories(path)
            let file = "\(path)/lock"
            lock = try Files.open(file, O_RDWR | O_CREAT)
            guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
                let error = FileError("lock", file)
                close(lock)
                throw error
            }
        } catch {
            guard error.code == EWOULDBLOCK else { throw .unusable(path: path, reason: error.message) }
            throw .inUse(path: path, process: Self.holder(of: path))
        }
        do throws(FileError) {
            try writeHolder()
            for folder in [artifacts, bundles, logs, run] { try Files.makeDirectory(folder) }
        } catch {
            throw .unusable(path: path, reason: error.message)
        }
    }

    deinit { close(lock) }

    /// Tells the next one that wants the lock who has it.
    private func writeHolder() throws(FileError) {
        let file = "\(path)/lock"
        guard ftruncate(lock, 0) == 0 else { throw FileError("write", file) }
        try Files.write(Array("\(getpid())\n".utf8), to: lock, path: file)
    }

    private static func holder(of path: String) -> Int? {
        guard let bytes = try? Files.read("\(path)/lock") else { return nil }
        return Int(String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}

public enum DataDirectoryError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another core uses it.
    case inUse(path: String, process: Int?)
    /// It cannot be made or written.
    case unusable(path: String, reason: String)

    /// A sentence for the operator, with the next step.
    public var description: String {
        switch self {
        case .inUse(let path, let process):
            let who = process.map { " (process \($0))" } ?? ""
            return "another invok-core\(who) uses the data directory \(path): "
                + "stop it, or set INVOK_DATA_DIR to another directory"
        case .unusable(let path, let reason):
            return "the data directory \(path) cannot be used: \(reason); "
                + "make it writable, or set INVOK_DATA_DIR to another directory"
        }
    }
}
