import Glibc
import InvokPOSIX
import TestSupport
import Testing

struct TreeLinksTests {
    @Test func aLinkedTreeHasTheSameFilesAndOutlivesTheOther() throws {
        let folder = try TemporaryFolder()
        let root = folder.path
        try Files.makeDirectories(root + "/a/deep/er", mode: 0o755)
        try Files.write(Array("one".utf8), to: root + "/a/one", mode: 0o755)
        try Files.write(Array("two".utf8), to: root + "/a/deep/er/two", mode: 0o644)
        try Files.linkTree(root + "/a", to: root + "/b")
        try Files.synchronizeFileSystem(of: root + "/b")
        var (first, second) = (stat(), stat())
        #expect(stat(root + "/a/one", &first) == 0 && stat(root + "/b/one", &second) == 0)
        #expect(first.st_ino == second.st_ino && second.st_mode & 0o777 == 0o755)
        try Files.removeTree(root + "/a")
        #expect(Files.text(root + "/b/deep/er/two") == "two")
        // What is there is not written to.
        #expect(throws: SystemError.self) { try Files.linkTree(root + "/b", to: root + "/b") }
    }
}
