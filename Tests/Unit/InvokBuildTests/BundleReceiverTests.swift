import Glibc
import InvokPOSIX
import TestSupport
import Testing

@testable import InvokBuild

@Suite struct BundleReceiverTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func receiver(limit: Int = 1 << 20) -> BundleReceiver {
        BundleReceiver(folder.path + "/bundle", limit: limit)
    }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return lstat("\(folder.path)/bundle\(path)", &status) == 0 ? status.st_mode : 0
    }

    @Test(arguments: [0, 0o077] as [mode_t])
    func writesFilesAndFoldersWithTheirModes(mask: mode_t) throws {
        var tar = TarFixture()
        for name in ["./", "./a/", "./a/b/"] { tar.add(name, type: TarFixture.folder) }
        tar.add("./a/b/x", Array("deep".utf8))
        tar.add("./a/y", Array("middle".utf8))
        tar.add("./a/b/z")
        for (name, mode) in [("./run", "0000755"), ("./own", "0000700"), ("./all", "0006777"), ("./not", "0000655")] {
            tar.add(Array(name.utf8)) { $0.replaceSubrange(100..<107, with: mode.utf8) }
        }
        let receiver = receiver()
        let earlier = umask(mask)
        defer { umask(earlier) }
        for start in stride(from: 0, to: tar.whole.count, by: 100) {
            #expect(receiver.receive(tar.whole[start..<min(tar.whole.count, start + 100)]))
        }
        #expect(receiver.finish() == nil)
        for path in ["", "/a", "/a/b"] { #expect(mode(path) == S_IFDIR | 0o755, "\(path)") }
        for path in ["/a/b/x", "/a/y", "/a/b/z", "/not"] { #expect(mode(path) == S_IFREG | 0o644, "\(path)") }
        for path in ["/run", "/own", "/all"] { #expect(mode(path) == S_IFREG | 0o755, "\(path)") }
        #expect(Files.text(folder.path + "/bundle/a/b/x") == "deep")
        #expect(Files.text(folder.path + "/bundle/a/y") == "middle")
        #expect(Files.text(folder.path + "/bundle/a/b/z") == "")
    }

    @Test func aResultWithoutEndIsRefused() {
        var tar = TarFixture()
        tar.add("x", Array("half".utf8))
        let receiver = receiver()
        #expect(receiver.receive(tar.bytes[...]))
        #expect(receiver.finish() == .refused("the result of the build is not whole"))
        #expect(self.receiver().finish() == .refused("the result of the build is not whole"))
    }

    @Test func moreThanTheLimitIsRefusedBeforeItIsWritten() {
        var tar = TarFixture()
        tar.add("x", [UInt8](repeating: 0, count: 1 << 20))
        tar.add("y", [1])
        let receiver = receiver()
        #expect(!receiver.receive(tar.whole[...]))
        let refusal = BundleReceiver.Failure.refused("the build left more than the 1 MB that a bundle may have")
        #expect(receiver.failure == refusal && receiver.finish() == refusal)
        #expect(!receiver.receive([0]))
        #expect(!Files.exists(folder.path + "/bundle/y"))
    }

    @Test func saysWhatItRefuses() {
        var link = TarFixture()
        link.add("a\u{1B}b", type: UInt8(ascii: "2"))
        let receiver = receiver()
        #expect(!receiver.receive(link.whole[...]))
        #expect(
            receiver.failure
                == .refused("the build left 'a\\x1Bb', which is a link; a bundle has files and folders only"))
        var outside = TarFixture()
        outside.add("../x")
        let other = self.receiver()
        #expect(!other.receive(outside.whole[...]))
        #expect(other.failure == .refused("the build left '../x', whose path is no path inside the bundle"))
    }

    @Test(.enabled(if: geteuid() == 0, "needs root to mount a small disk")) func aFullDiskIsTheDisks() throws {
        try #require(mount("tmpfs", folder.path, "tmpfs", 0, "size=64k") == 0)
        defer { umount2(folder.path, Int32(MNT_DETACH)) }
        var tar = TarFixture()
        tar.add("x", [UInt8](repeating: 1, count: 1 << 17))
        let receiver = receiver()
        #expect(!receiver.receive(tar.whole[...]))
        guard case .system(let error)? = receiver.finish() else {
            Issue.record("\(String(describing: receiver.failure))")
            return
        }
        #expect(error.isFull)
    }
}

@Suite struct BundleWriterTests {
    /// Should anybody ever get at the folder while it is written: links are not followed, and what is there stays.
    @Test func followsNoLinkAndWritesToNothingThatIsThere() throws {
        let folder = try TemporaryFolder()
        let (root, outside) = (folder.path + "/bundle", folder.path + "/outside")
        try Files.makeDirectory(outside, mode: 0o755)
        try Files.write([1], to: outside + "/x", mode: 0o600)
        var writer = try BundleWriter(root)
        try writer.makeFolder("a")
        try writer.makeFolder("b")
        try #require(rmdir(root + "/a") == 0 && symlink(outside, root + "/a") == 0)
        try #require(symlink(outside + "/x", root + "/b/x") == 0)
        for path in ["a/new", "a/x", "b/x"] {
            #expect(throws: SystemError.self, "\(path)") { try writer.makeFile(path, mode: 0o644) }
        }
        #expect(throws: SystemError.self) { try writer.makeFolder("a/folder") }
        #expect(throws: SystemError.self) { try writer.makeFolder("b") }
        #expect(Files.names(in: outside) == ["x"])
        var status = stat()
        #expect(lstat(outside + "/x", &status) == 0 && status.st_mode & 0o777 == 0o600 && status.st_size == 1)
        #expect(throws: SystemError.self) { try BundleWriter(root) }
    }
}
