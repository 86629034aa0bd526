import CLinux
import Glibc
import Logging
import Synchronization

/// A quarantine: where leftovers go before they are removed, so that what cannot be removed is out of everybody's way.
///
/// Everything is renamed into it first, which is one step whatever is inside. A crash leaves no half of anything under its
/// own name, and a start waits for no removal. What cannot be removed stays, is named in the log, and is tried again at
/// the next start; it never keeps anything else from going on.
package final class Quarantine: Sendable {
    package let directory: String
    private let logger: Logger
    private let threads: WorkerPool
    private let lastNumber = Atomic<Int>(0)

    /// - Parameters:
    ///   - directory: of this core alone, on the file system of what goes into it.
    ///   - threads: where removals run that nobody waits for.
    package init(directory: String, threads: WorkerPool, logger: Logger) {
        self.directory = directory
        self.threads = threads
        self.logger = logger
    }

    /// How many leftovers lie in it: those that could not be removed, and those whose turn has not come.
    package var count: Int { Files.names(in: directory).count }

    /// Removes the file or tree; does nothing when there is none. Blocks on the disk as long as that takes.
    /// - Throws: when it is still in its place.
    package func remove(_ path: String) throws(SystemError) {
        if let place = try takeIn(path) { empty(place) }
    }

    /// Removes the file or tree on a thread of the pool. What is still in its place on return is in the log.
    package func removeLater(_ path: String) {
        do throws(SystemError) {
            guard let place = try takeIn(path) else { return }
            threads.submit { self.empty(place) }
        } catch {
            logger.warning("a leftover can neither be moved nor removed: \(error); remove it by hand")
        }
    }

    /// - Returns: where it is now; `nil` when there is nothing to be removed any more.
    private func takeIn(_ path: String) throws(SystemError) -> String? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        try? Files.makeDirectories(directory, mode: 0o700)
        while true {
            let place = "\(directory)/\(lastNumber.add(1, ordering: .relaxed).newValue)"
            if linux_renameat2(AT_FDCWD, path, AT_FDCWD, place, LINUX_RENAME_NOREPLACE) == 0 { return place }
            if errno == EEXIST { continue }
            // It cannot be moved, as from behind a mount or on a full disk, so it is removed where it is.
            try Files.removeTree(path)
            return nil
        }
    }

    /// Removes what earlier cores left in it, on a thread of the pool.
    package func removeLeftovers() {
        let names = Files.names(in: directory)
        // Numbers that are taken are passed over one by one, so it begins behind them.
        lastNumber.store(names.compactMap { Int($0) }.max() ?? 0, ordering: .relaxed)
        guard !names.isEmpty else { return }
        threads.submit { [self] in
            for name in names { empty("\(directory)/\(name)") }
            let left = count
            if left > 0 {
                logger.warning(
                    "leftovers that cannot be removed remain", metadata: ["count": "\(left)", "in": "\(directory)"])
            }
        }
    }

    private func empty(_ place: String) {
        do throws(SystemError) {
            try Files.removeTree(place)
        } catch {
            logger.warning("the leftover \(place) cannot be removed: \(error); remove it by hand")
        }
    }
}
