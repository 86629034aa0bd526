import Glibc
import InvokPOSIX

/// Writes a tree of files by descriptors (openat(2)): no path is looked up twice, no link is followed, and nothing that is
/// there is written to. Its calls block on the disk.
struct BundleWriter: Sendable {
    private let root: Descriptor
    /// The folder that was written to last, and the file that is being written.
    private var folder: (path: String, descriptor: Descriptor)
    private var file: Descriptor?
    private var folders: [String] = []
    private var fileCount = 0

    /// With more files, all are made durable together: one wait for each would take longer.
    private static let filesSyncedAlone = 64

    /// - Parameter path: a new directory, in one that is the core's alone.
    init(_ path: String) throws(SystemError) {
        try Files.makeDirectory(path, mode: 0o755)
        root = try Descriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        folder = ("", root)
    }

    /// Makes a folder in one that has been made before.
    mutating func makeFolder(_ path: String) throws(SystemError) {
        try endFile()
        let (parent, name) = try place(of: path)
        guard mkdirat(parent.number, name, 0o755) == 0 else { throw SystemError("mkdir", path) }
        let made = try Self.folder(name, in: parent, path)
        guard fchmod(made.number, 0o755) == 0 else { throw SystemError("chmod", path) }
        folder = (path, made)
        folders.append(path)
    }

    /// Makes a file, which gets what is written from now on.
    /// - Parameter mode: its own, whatever the umask.
    mutating func makeFile(_ path: String, mode: mode_t) throws(SystemError) {
        try endFile()
        let (parent, name) = try place(of: path)
        let number = openat(parent.number, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw SystemError("create", path) }
        let made = Descriptor(number)
        guard fchmod(number, mode) == 0 else { throw SystemError("chmod", path) }
        file = made
    }

    func write(_ bytes: ArraySlice<UInt8>) throws(SystemError) { try file?.writeAll(bytes) }

    /// Makes all of it durable.
    mutating func finish() throws(SystemError) {
        try endFile()
        guard fileCount <= Self.filesSyncedAlone else { return try root.synchronizeFileSystem() }
        // Those inside first; the root last.
        for path in folders.reversed() { try Self.sync(try descriptor(of: path[...]), path) }
        try Self.sync(root, "the bundle")
    }

    private mutating func endFile() throws(SystemError) {
        guard let file else { return }
        self.file = nil
        fileCount += 1
        if fileCount <= Self.filesSyncedAlone { try Self.sync(file, folder.path) }
    }

    private static func sync(_ descriptor: Descriptor, _ path: String) throws(SystemError) {
        guard fsync(descriptor.number) == 0 else { throw SystemError("fsync", path) }
    }

    /// The folder that the path lies in, open, and the last part of the path.
    private mutating func place(of path: String) throws(SystemError) -> (parent: Descriptor, name: [CChar]) {
        guard let slash = path.lastIndex(of: "/") else { return (root, path.nameForCalls) }
        let parent = path[..<slash]
        if folder.path != parent { folder = (String(parent), try descriptor(of: parent)) }
        return (folder.descriptor, String(path[path.index(after: slash)...]).nameForCalls)
    }

    private func descriptor(of path: Substring) throws(SystemError) -> Descriptor {
        var descriptor = root
        for name in path.split(separator: "/") {
            descriptor = try Self.folder(String(name).nameForCalls, in: descriptor, String(path))
        }
        return descriptor
    }

    private static func folder(
        _ name: [CChar], in parent: Descriptor, _ path: String
    ) throws(SystemError) -> Descriptor {
        let number = openat(parent.number, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { throw SystemError("open", path) }
        return Descriptor(number)
    }
}
