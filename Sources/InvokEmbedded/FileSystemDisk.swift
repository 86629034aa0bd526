import Glibc
public import Invok
import InvokPOSIX

/// The file system of a folder (statvfs(3)).
public final class FileSystemDisk: DataDisk {
    private let path: String
    // A disk on a network may let it wait.
    private let workers = WorkerPool(threads: 1)

    /// - Parameter path: a folder on it.
    public init(of path: String) { self.path = path }

    public func space() async throws(DataDiskError) -> DiskSpace {
        try await workers.run { [path] () throws(DataDiskError) in
            var status = statvfs()
            guard statvfs(path, &status) == 0 else { throw .unavailable(SystemError("read", path).message) }
            // Without what is kept for root: a server need not be that.
            let block = Int(status.f_frsize)
            return DiskSpace(freeBytes: Int(status.f_bavail) * block, totalBytes: Int(status.f_blocks) * block)
        }
    }
}
