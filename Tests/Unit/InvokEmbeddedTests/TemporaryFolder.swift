import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// A folder of one test's own, gone with the value.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "invok-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path(percentEncoded: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// All files below, as paths relative to the folder.
    var files: [String] {
        (FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []).filter { name in
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isDirectory)
                && !isDirectory.boolValue
        }.sorted()
    }

    func append(_ text: String, to name: String) throws {
        let handle = try #require(FileHandle(forUpdatingAtPath: "\(path)/\(name)"))
        defer { try? handle.close() }
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(text.utf8))
    }
}

/// A file system of a few pages, to be filled up. Making one needs root, as CI is; without, the test fails and says so.
final class SmallDisk: Sendable {
    let folder: TemporaryFolder

    init(kilobytes: Int) throws {
        folder = try TemporaryFolder()
        let result = mount("tmpfs", folder.path, "tmpfs", 0, "size=\(kilobytes)k")
        try #require(result == 0, "mounting a tmpfs failed; it needs root: \(String(cString: strerror(errno)))")
    }

    deinit { umount2(folder.path, Int32(MNT_DETACH)) }
}
