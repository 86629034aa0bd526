import Foundation
import InvokEmbedded
import Testing

struct DataDirectoryTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func isMadeForItsOwnerAlone() throws {
        let path = "\(folder.path)/a/data"
        let data = try DataDirectory(path: path)
        for made in [path, data.artifacts, data.bundles, data.logs, data.run, data.spool] {
            let mode = try FileManager.default.attributesOfItem(atPath: made)[.posixPermissions] as? Int
            #expect(mode == 0o700, "\(made)")
        }
    }

    /// What an older core, or whoever made the folder, left open.
    @Test func takesTheRightsOfOthersAway() throws {
        let files = FileManager.default
        for name in ["invok.sqlite", "invok.sqlite-wal", "jwt-secret"] {
            #expect(files.createFile(atPath: "\(folder.path)/\(name)", contents: nil))
        }
        try files.createDirectory(atPath: "\(folder.path)/logs", withIntermediateDirectories: false)
        for path in ["", "/invok.sqlite", "/invok.sqlite-wal", "/jwt-secret", "/logs"] {
            try #require(chmod(folder.path + path, 0o755) == 0)
        }
        let data = try DataDirectory(path: folder.path)
        func mode(_ path: String) throws -> Int? {
            try files.attributesOfItem(atPath: folder.path + path)[.posixPermissions] as? Int
        }
        for path in ["", "/invok.sqlite", "/invok.sqlite-wal", "/logs"] { #expect(try mode(path) == 0o700) }
        #expect(data.mended.count == 4)
        // Others may have read it: that is for its reader to refuse.
        #expect(try mode("/jwt-secret") == 0o755)
    }

    @Test func leavesTheFilesThatAreLinkedTo() throws {
        let other = try TemporaryFolder()
        try #require(chmod(other.path, 0o755) == 0)
        try FileManager.default.createSymbolicLink(atPath: "\(folder.path)/link", withDestinationPath: other.path)
        _ = try DataDirectory(path: folder.path)
        #expect(try FileManager.default.attributesOfItem(atPath: other.path)[.posixPermissions] as? Int == 0o755)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a folder to somebody else"))
    func refusesTheFolderOfAnotherUser() throws {
        try #require(chown(folder.path, 65534, 65534) == 0)
        let error = #expect(throws: DataDirectoryError.self) { try DataDirectory(path: folder.path) }
        #expect(error == .foreign(path: folder.path))
        #expect(error?.description.contains("chown") == true)
    }

    @Test func isHeldByOneCoreAtATime() throws {
        var first: DataDirectory? = try DataDirectory(path: folder.path)
        let error = #expect(throws: DataDirectoryError.self) { try DataDirectory(path: folder.path) }
        #expect(error == .inUse(path: folder.path, process: Int(ProcessInfo.processInfo.processIdentifier)))
        #expect(error?.description.contains("another invok-core (process") == true)
        #expect(first != nil)
        first = nil
        _ = try DataDirectory(path: folder.path)
    }

    @Test func aLockLeftByADeadCoreDoesNotCount() throws {
        try Data("1\n".utf8).write(to: URL(filePath: "\(folder.path)/lock"))
        _ = try DataDirectory(path: folder.path)
        #expect(
            try String(contentsOfFile: "\(folder.path)/lock", encoding: .utf8)
                == "\(ProcessInfo.processInfo.processIdentifier)\n")
    }

    @Test(arguments: ["/proc/invok/data", "/dev/null/data"])
    func saysWhyItCannotBeUsed(_ path: String) throws {
        let error = #expect(throws: DataDirectoryError.self) { try DataDirectory(path: path) }
        guard case .unusable(path, let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.hasPrefix("cannot create"))
        #expect(error?.description.contains("INVOK_DATA_DIR") == true)
    }
}
