import Glibc
public import Invok
import InvokPOSIX
import Synchronization

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
        do throws(SystemError) {
            try Files.makeDirectories(directory, mode: 0o700)
            for name in try Files.list(directory) { try Files.remove("\(directory)/\(name)") }
        } catch {
            throw SpoolError(error)
        }
    }

    public func make() async throws(SpoolError) -> any SpoolFile {
        let path = "\(directory)/\(names.add(1, ordering: .relaxed).newValue)"
        do throws(SystemError) {
            return try await workers.run { [workers] () throws(SystemError) in
                let file = UnlinkedFile(try Descriptor.open(path, O_RDWR | O_CREAT | O_EXCL), workers: workers)
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
    private let descriptor: Descriptor
    private let workers: WorkerPool
    private let size = Atomic<Int>(0)

    init(_ descriptor: Descriptor, workers: WorkerPool) {
        self.descriptor = descriptor
        self.workers = workers
    }

    var count: Int { size.load(ordering: .acquiring) }

    func append(_ bytes: [UInt8]) async throws(SpoolError) {
        do throws(SystemError) {
            try await workers.run { () throws(SystemError) in
                try self.descriptor.writeAll(bytes)
                self.size.add(bytes.count, ordering: .releasing)
            }
        } catch {
            throw SpoolError(error)
        }
    }

    func read(_ range: Range<Int>) throws(InvokError) -> [UInt8] {
        do throws(SystemError) { return try descriptor.read(range) } catch { throw InvokError(error) }
    }
}

extension SpoolError {
    fileprivate init(_ error: SystemError) {
        self = error.isFull ? .full : .unavailable(error.message)
    }
}
