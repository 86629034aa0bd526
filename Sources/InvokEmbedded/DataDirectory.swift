import Glibc
import InvokPOSIX

/// The folder in which an installation keeps everything, held by one core at a time for as long as this value lives.
public final class DataDirectory: Sendable {
    public let path: String
    /// What other users could enter or read before, each a sentence for the operator.
    public let mended: [String]
    private let lock: Descriptor

    private static let folders = ["artifacts", "bundles", "logs", "run", "spool"]
    /// Whoever could read one of these knows it, so that a right taken away too late mends nothing: the files' reader
    /// refuses them.
    private static let keys = ["jwt-secret", "secrets-key", "secrets-key.new"]

    /// The SQLite database file of a data directory that another process may use.
    public static func database(in path: String) -> String { "\(path)/invok.sqlite" }
    /// The SQLite database file.
    public var database: String { Self.database(in: path) }
    /// Uploaded archives.
    public var artifacts: String { "\(path)/artifacts" }
    /// Built bundles.
    public var bundles: String { "\(path)/bundles" }
    /// The functions' logs.
    public var logs: String { "\(path)/logs" }
    /// Sockets and what else lives as long as a core or an instance.
    public var run: String { "\(path)/run" }
    /// Uploads that are received now.
    public var spool: String { "\(path)/spool" }
    /// The secret that signs tokens, where none is configured.
    public var tokenSecret: String { "\(path)/jwt-secret" }
    /// The key that seals the functions' environments, where none is configured.
    public var secretsKey: String { "\(path)/secrets-key" }

    /// Makes the folder (mode 0700) and those in it where they are missing, takes its lock, and takes the rights on it
    /// away from everybody else.
    /// - Throws: `inUse` when another core holds the lock; `foreign` for a folder of another user, who could read and
    ///   change all of it; `unusable`.
    public init(path: String) throws(DataDirectoryError) {
        self.path = path
        var mended: [String] = []
        do throws(SystemError) {
            try Files.makeDirectories(path, mode: 0o700)
            guard try Files.isOurs(path) else { throw SystemError("use", path, code: EPERM) }
            if try Files.closeToOthers(path) { mended.append("\(path) was open to other users and is not any more") }
            let file = "\(path)/lock"
            lock = try Descriptor.open(file, O_RDWR | O_CREAT)
            guard flock(lock.number, LOCK_EX | LOCK_NB) == 0 else { throw SystemError("lock", file) }
        } catch {
            switch error.code {
            case EWOULDBLOCK: throw .inUse(path: path, process: Self.holder(of: path))
            case EPERM where error.call == "use": throw .foreign(path: path)
            default: throw .unusable(path: path, reason: error.message)
            }
        }
        do throws(SystemError) {
            let data = "\(path)/"
            for folder in Self.folders { try Files.ensureDirectory(data + folder, mode: 0o700) }
            for name in try Files.list(path) where !Self.keys.contains(name) {
                guard try Files.closeToOthers(data + name) else { continue }
                mended.append("\(data + name) was open to other users and is not any more")
            }
        } catch {
            throw .unusable(path: path, reason: error.message)
        }
        self.mended = mended
        do throws(SystemError) { try writeHolder() } catch {
            throw .unusable(path: path, reason: error.message)
        }
    }

    /// Tells the next one that wants the lock who has it.
    private func writeHolder() throws(SystemError) {
        try lock.truncate(to: 0)
        try lock.writeAll(Array("\(getpid())\n".utf8))
    }

    private static func holder(of path: String) -> Int? {
        guard let bytes = Files.read("\(path)/lock") else { return nil }
        return Int(String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}

public enum DataDirectoryError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another core uses it.
    case inUse(path: String, process: Int?)
    /// It is another user's.
    case foreign(path: String)
    /// It cannot be made or written.
    case unusable(path: String, reason: String)

    /// A sentence for the operator, with the next step.
    public var description: String {
        switch self {
        case .inUse(let path, let process):
            let who = process.map { " (process \($0))" } ?? ""
            return "another invok-core\(who) uses the data directory \(path): "
                + "stop it, or set INVOK_DATA_DIR to another directory"
        case .foreign(let path):
            return "the data directory \(path) belongs to another user, who could read and change everything in it: "
                + "run 'chown -R \(geteuid()) \(path)' if it is Invok's, or set INVOK_DATA_DIR to another directory"
        case .unusable(let path, let reason):
            return "the data directory \(path) cannot be used: \(reason); "
                + "make it writable, or set INVOK_DATA_DIR to another directory"
        }
    }
}
