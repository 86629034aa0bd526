import Glibc

extension Files {
    /// Gives the files of a tree other names below a new folder (link(2)), the folders being made anew: a copy that takes no
    /// room, for trees that nobody writes to. Where a file has as many names as its file system allows, it is copied.
    ///
    /// For trees of the core's own, whose paths are bounded: names are looked up.
    package static func linkTree(_ source: String, to destination: String) throws(SystemError) {
        try makeDirectory(destination, mode: 0o755)
        for name in try list(source) {
            let (path, new) = ("\(source)/\(name)", "\(destination)/\(name)")
            if isDirectory(path) {
                try linkTree(path, to: new)
            } else if link(path, new) != 0 {
                guard errno == EMLINK else { throw SystemError("link", path) }
                try copyFile(path, to: new)
            }
        }
    }

    private static func copyFile(_ source: String, to destination: String) throws(SystemError) {
        let (from, into) = (
            try Descriptor.open(source, O_RDONLY),
            try Descriptor.open(destination, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        )
        var status = stat()
        guard fstat(from.number, &status) == 0 else { throw SystemError("read", source) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
        defer { buffer.deallocate() }
        while let count = try from.readSome(into: buffer), count > 0 { try into.writeAll(Array(buffer[..<count])[...]) }
        try into.setMode(status.st_mode & 0o777)
    }

    /// Makes everything durable that has been written to the file system of this directory (syncfs(2)): for trees of many
    /// files, where one wait for each would be long.
    package static func synchronizeFileSystem(of path: String) throws(SystemError) {
        try Descriptor.open(path, O_RDONLY | O_DIRECTORY).synchronizeFileSystem()
    }
}
