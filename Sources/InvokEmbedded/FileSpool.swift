public import Invok
import InvokPOSIX
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Temporary files that have no name: each is unlinked as soon as it is open (POSIX unlink(2)), so that it goes with its
/// last descriptor, also when the core is killed.
public final class FileSpool: Spool {
    private let directory: String
    private let workers = WorkerPool(threads: 2)
    private let names = Atomic<UInt64>(0)

    /// Opens the spool, making its folder where needed, and removes what a crash left between two calls.
    /// - Parameter directory: a folder of this spool alone, used by one core at a time.
    /// - Throws: `unavailable`, or `full`.
    public init(directory: String) throws(SpoolError) {
        self.directory = directory
        do throws(FileError) {
            try Files.makeDirectories(directory)
            for name in try Files.names(in: directory) { try Files.remove("\(directory)/\(name)") }
        } catch {
            throw SpoolError(error)
        }
    }

    public func make() async throws(SpoolError) -> any SpoolFile {
        let path = "\(directory)/\(names.add(1, ordering: .relaxed).newValue)"
        do throws(FileError) {
            return try await workers.run { [workers] () throws(FileError) in
                let file = UnlinkedFile(try Files.open(path, O_RDWR | O_CREAT | O_EXCL), path: path, workers: workers)
                try Files.remove(path)
                return file
            }
        } catch {
            throw SpoolError(error)
        }
    }
}

/// A file that is closed with the last reference to it.
private final class UnlinkedFile: SpoolFile {
    private let descriptor: Int32
    /// What it was called, for errors.
    private let path: String
    private let workers: WorkerPool
    private let size = Atomic<Int>(0)

    init(_ descriptor: Int32, path: String, workers: WorkerPool) {
        self.descriptor = descriptor
        self.path = path
        self.workers = workers
    }

    deinit { close(descriptor) }

    var count: Int { size.load(ordering: .acquiring) }

    func append(_ bytes: [UInt8]) async throws(SpoolError) {
        do throws(FileError) {
            try await workers.run { () throws(FileError) in
                try Files.write(bytes[...], to: self.descriptor, path: self.path)
                self.size.add(bytes.count, ordering: .releasing)
            }
        } catch {
            throw SpoolError(error)
        }
    }

    func read(_ range: Range<Int>) throws(InvokError) -> [UInt8] {
        do throws(FileError) { return try Files.read(descriptor, range, path: path) } catch { throw InvokError(error) }
    }
}

extension SpoolError {
    fileprivate init(_ error: FileError) {
        self = error.isFull ? .full : .unavailable(error.message)
    }
}
