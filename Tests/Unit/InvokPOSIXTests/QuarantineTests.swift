import Glibc
import Logging
import TestSupport
import Testing

@testable import InvokPOSIX

@Suite(.timeLimit(.minutes(3))) struct QuarantineTests {
    private let folder: TemporaryFolder
    private let threads = WorkerPool(threads: 1)
    private let quarantine: Quarantine

    init() throws {
        folder = try TemporaryFolder()
        quarantine = Quarantine(
            directory: folder.path + "/quarantine", threads: threads, logger: Logger(label: "test"))
    }

    @Test func whatIsRemovedLaterIsOutOfTheWayAtOnce() async throws {
        try HostileTree.namesOfAnyBytes.make(at: folder.path + "/tree", outside: folder.path)
        quarantine.removeLater(folder.path + "/tree")
        #expect(!Files.exists(folder.path + "/tree"))
        await threads.run {}
        #expect(quarantine.count == 0)
        try quarantine.remove(folder.path + "/nothing")
    }

    /// What earlier cores left is tried again, and numbers that are taken stay whole.
    @Test func leftoversOfEarlierCoresGo() async throws {
        for name in ["1", "2", "7"] { try Files.makeDirectories("\(quarantine.directory)/\(name)/x", mode: 0o700) }
        quarantine.removeLeftovers()
        await threads.run {}
        #expect(quarantine.count == 0)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can mount"))
    func whatCannotBeRemovedStaysThereAndNothingFails() async throws {
        let path = quarantine.directory + "/1"
        try Files.makeDirectories(path, mode: 0o700)
        try #require(mount("tmpfs", path, "tmpfs", 0, "size=1m") == 0)
        defer { umount2(path, Int32(MNT_DETACH)) }
        quarantine.removeLeftovers()
        try Files.write([1], to: folder.path + "/file", mode: 0o600)
        try quarantine.remove(folder.path + "/file")
        await threads.run {}
        #expect(quarantine.count == 1 && !Files.exists(folder.path + "/file"))
        // One that cannot be moved either is said, and its place is known to be taken.
        #expect(throws: SystemError.self) { try quarantine.remove(path) }
    }
}
