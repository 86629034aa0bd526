import Glibc
import TestSupport
import Testing

@testable import InvokPOSIX

@Suite(.timeLimit(.minutes(1))) struct FilesTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func path(_ name: String) -> String { "\(folder.path)/\(name)" }

    private func mode(_ name: String) throws -> mode_t {
        var status = stat()
        try #require(lstat(path(name), &status) == 0)
        return status.st_mode & 0o777
    }

    // MARK: Directories

    @Test func makesWhatIsMissingAndLeavesWhatIsThere() throws {
        try Files.makeDirectory(path("a"), mode: 0o755)
        try Files.makeDirectories(path("a/b/c"), mode: 0o700)
        #expect(try ["a", "a/b", "a/b/c"].map(mode) == [0o755, 0o700, 0o700])
        try Files.makeDirectories(path("a"), mode: 0o700)
        #expect(try mode("a") == 0o755)
    }

    @Test(arguments: ["file", "file/a", "file/a/b"]) func aFileIsNoFolder(_ name: String) throws {
        try Files.write([], to: path("file"), mode: 0o640)
        let error = #expect(throws: SystemError.self) { try Files.makeDirectories(path(name), mode: 0o755) }
        #expect(error?.message.hasPrefix("cannot create \(path(name)): ") == true)
        #expect(try mode("file") == 0o640)
    }

    @Test func saysWhetherADirectoryWasMade() throws {
        #expect(try Files.ensureDirectory(path("a"), mode: 0o750))
        #expect(try !Files.ensureDirectory(path("a"), mode: 0o700))
        #expect(try mode("a") == 0o750)
        #expect(throws: SystemError.self) { try Files.ensureDirectory(path("none/a"), mode: 0o700) }
        #expect(throws: SystemError.self) { try Files.makeDirectory(path("a"), mode: 0o700) }
    }

    @Test func listsNames() throws {
        for name in ["b", "a", "ö", ".c"] { try Files.write([], to: path(name), mode: 0o600) }
        // Not UTF-8.
        let foreign = "\(folder.path)/".utf8CString.dropLast() + [CChar(bitPattern: 0xFF), 0]
        try #require(mkdir(Array(foreign), 0o700) == 0)
        #expect(try Files.list(folder.path) == [".c", "a", "b", "ö"])
        #expect(Files.names(in: folder.path) == [".c", "a", "b", "ö"])
    }

    @Test func aMissingDirectoryIsEmptyAndOneThatCannotBeReadIsAnError() throws {
        try Files.write([], to: path("file"), mode: 0o600)
        for name in ["none", "none/a", "file", "file/a"] { #expect(try Files.list(path(name)).isEmpty) }
        try #require(symlink("circle", path("circle")) == 0)
        let error = #expect(throws: SystemError.self) { try Files.list(path("circle")) }
        #expect(error == SystemError("read", path("circle"), code: ELOOP))
        #expect(Files.names(in: path("circle")).isEmpty)
    }

    @Test func onlyAnEmptyDirectoryIsRemoved() throws {
        try Files.makeDirectories(path("a/b"), mode: 0o700)
        Files.removeDirectoryIfEmpty(path("a"))
        #expect(Files.isDirectory(path("a/b")))
        Files.removeDirectoryIfEmpty(path("a/b"))
        Files.removeDirectoryIfEmpty(path("none"))
        #expect(Files.names(in: path("a")).isEmpty)
    }

    // MARK: Contents

    @Test func readsTheWholeOrAPart() throws {
        // More than one read.
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 / 256) }
        try Files.write(bytes, to: path("file"), mode: 0o600)
        #expect(try Files.contents(of: path("file")) == bytes)
        #expect(try Files.contents(of: path("file"), from: 1000) == Array(bytes[1000...]))
        #expect(try Files.contents(of: path("file"), from: 1000, limit: 100_000) == Array(bytes[1000..<101_000]))
        #expect(try Files.contents(of: path("file"), from: bytes.count + 1).isEmpty)
        #expect(Files.read(path("file"), limit: 10) == Array(bytes[..<10]))
        // Whose size says nothing.
        #expect(Files.text("/proc/self/status")?.hasPrefix("Name:") == true)
    }

    @Test func whatCannotBeReadIsAnError() throws {
        let missing = #expect(throws: SystemError.self) { try Files.contents(of: path("none")) }
        #expect(missing?.isMissing == true && missing?.message.hasPrefix("cannot open \(path("none")): ") == true)
        let directory = #expect(throws: SystemError.self) { try Files.contents(of: folder.path) }
        #expect(directory == SystemError("read", folder.path, code: EISDIR))
        #expect(Files.read(path("none")) == nil && Files.read(folder.path) == nil)
    }

    // MARK: Names

    @Test func aRenamedFileTakesThePlaceOfAnother() throws {
        try Files.write([1], to: path("a"), mode: 0o600)
        try Files.write([2], to: path("b"), mode: 0o600)
        try Files.rename(path("a"), to: path("b"))
        #expect(Files.names(in: folder.path) == ["b"] && Files.read(path("b")) == [1])
        let error = #expect(throws: SystemError.self) { try Files.rename(path("a"), to: path("b")) }
        #expect(error == SystemError("rename", path("a"), code: ENOENT))
    }

    @Test func removesAFileALinkAndNothing() throws {
        try Files.write([1], to: path("file"), mode: 0o600)
        try #require(symlink(folder.path, path("link")) == 0)
        for name in ["none", "file/a", "link", "file", "file"] { try Files.remove(path(name)) }
        #expect(Files.names(in: folder.path).isEmpty)
        let error = #expect(throws: SystemError.self) { try Files.remove(folder.path) }
        #expect(error?.message.hasPrefix("cannot remove \(folder.path): ") == true)
    }

    @Test func onlyWhatIsThereBecomesDurable() throws {
        try Files.write([1], to: path("file"), mode: 0o600)
        for path in [path("file"), folder.path] { try Files.synchronize(path) }
        #expect(throws: SystemError.self) { try Files.synchronize(path("none")) }
    }

    // MARK: Rights

    @Test func takesTheRightsOfOthersAway() throws {
        try Files.write([1], to: path("file"), mode: 0o644)
        try Files.makeDirectory(path("folder"), mode: 0o751)
        for (name, kept) in [("file", 0o600), ("folder", 0o700)] {
            #expect(try Files.closeToOthers(path(name)))
            #expect(try mode(name) == mode_t(kept))
            #expect(try !Files.closeToOthers(path(name)))
        }
        #expect(try !Files.closeToOthers(path("none")))
    }

    @Test func leavesTheFilesThatAreLinkedTo() throws {
        try Files.write([1], to: path("file"), mode: 0o644)
        try #require(symlink("file", path("link")) == 0)
        #expect(try !Files.closeToOthers(path("link")))
        #expect(try mode("file") == 0o644)
    }

    @Test func saysWhatIsOurs() throws {
        #expect(try Files.isOurs(folder.path))
        #expect(Files.belongsToUsAlone(folder.path))
        try Files.makeDirectory(path("open"), mode: 0o770)
        #expect(try Files.isOurs(path("open")))
        #expect(!Files.belongsToUsAlone(path("open")))
        let error = #expect(throws: SystemError.self) { try Files.isOurs(path("none")) }
        #expect(error == SystemError("read", path("none"), code: ENOENT))
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a file to somebody else"))
    func leavesWhatIsAnothers() throws {
        try Files.write([1], to: path("file"), mode: 0o644)
        try #require(chown(path("file"), 65534, 65534) == 0)
        #expect(try !Files.isOurs(path("file")))
        #expect(try !Files.closeToOthers(path("file")))
        #expect(try mode("file") == 0o644)
    }
}
