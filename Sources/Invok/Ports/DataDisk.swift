/// The disk, or whatever file system, that the data directory lies on: it holds bundles, logs and uploads on their way, and
/// the database and the archives too, where no server has them.
public protocol DataDisk: Sendable {
    /// What it has now.
    /// - Throws: `unavailable`.
    func space() async throws(DataDiskError) -> DiskSpace
}

public struct DiskSpace: Hashable, Sendable {
    /// What may still be written by this process, in bytes.
    public let freeBytes: Int
    /// All that it can hold, in bytes.
    public let totalBytes: Int

    public init(freeBytes: Int, totalBytes: Int) {
        self.freeBytes = freeBytes
        self.totalBytes = totalBytes
    }
}

public enum DataDiskError: Error, Hashable, Sendable {
    case unavailable(String)
}
