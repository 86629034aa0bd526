import Foundation
import InvokLocal
import Testing

struct DataDirectoryTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func isMadeForItsOwnerAlone() throws {
        let path = "\(folder.path)/a/data"
        let data = try DataDirectory(path: path)
        for made in [path, data.artifacts, data.bundles, data.logs, data.run] {
            let mode = try FileManager.default.attributesOfItem(atPath: made)[.posixPermissions] as? Int
            #expect(mode == 0o700, "\(made)")
        }
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
