import Glibc
import TestSupport
import Testing

@testable import InvokPOSIX

@Suite(.timeLimit(.minutes(3))) struct TreeRemovalTests {
    @Test(arguments: HostileTree.allCases) func removesAnyTreeAndNothingElse(tree: HostileTree) throws {
        let folder = try TemporaryFolder()
        let outside = folder.path + "/outside"
        try Files.write([1], to: outside, mode: 0o600)
        try tree.make(at: folder.path + "/tree", outside: outside)
        try Files.removeTree(folder.path + "/tree")
        #expect(!Files.exists(folder.path + "/tree"))
        var status = stat()
        #expect(lstat(outside, &status) == 0 && status.st_mode & 0o777 == 0o600 && status.st_nlink == 1)
    }

    @Test func aFileALinkAndNothing() throws {
        let folder = try TemporaryFolder()
        try Files.removeTree(folder.path + "/nothing")
        try Files.write([1], to: folder.path + "/file", mode: 0o600)
        try #require(symlink(folder.path, folder.path + "/link") == 0)
        for name in ["link", "file"] { try Files.removeTree("\(folder.path)/\(name)") }
        #expect(Files.isDirectory(folder.path) && Files.names(in: folder.path).isEmpty)
    }

    /// What is in the way of one file is not in the way of the others.
    @Test(.enabled(if: geteuid() == 0, "only root can mount")) func aMountStaysAndAllElseGoes() throws {
        let folder = try TemporaryFolder()
        let mountPoint = folder.path + "/tree/a/mount"
        try Files.makeDirectories(mountPoint, mode: 0o755)
        try Files.makeDirectories(folder.path + "/tree/b/c", mode: 0o755)
        try #require(mount("tmpfs", mountPoint, "tmpfs", 0, "size=1m") == 0)
        try Files.write([1], to: mountPoint + "/kept", mode: 0o600)
        #expect(throws: SystemError.self) { try Files.removeTree(folder.path + "/tree") }
        #expect(!Files.exists(folder.path + "/tree/b"))
        // Wherever the mount point is now, its file is in it.
        #expect(Files.names(in: folder.path + "/tree").count == 1)
        let place = folder.path + "/tree/" + (Files.names(in: folder.path + "/tree").first ?? "")
        let found = [place, place + "/mount"].first { Files.exists($0 + "/kept") }
        #expect(found != nil)
        umount2(found ?? mountPoint, Int32(MNT_DETACH))
    }
}
