import Glibc
import InvokModel

/// The file system, without Foundation: modes are exact, links are never followed on removal.
package enum Files {
    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    package static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Whether it is a plain file itself, not a link to one, and has no second name.
    package static func isPlainFile(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && status.st_nlink == 1
    }

    /// Whether it belongs to the user of this process.
    /// - Throws: when there is none, or it cannot be known.
    package static func isOurs(_ path: String) throws(SystemError) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0 else { throw SystemError("read", path) }
        return status.st_uid == geteuid()
    }

    /// Whether it is ours, and no other user may write to it.
    package static func belongsToUsAlone(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_uid == geteuid() && status.st_mode & 0o022 == 0
    }

    /// Takes all rights on a file or directory of ours away from group and others. Links are left as they are.
    /// - Returns: whether there were any.
    package static func closeToOthers(_ path: String) throws(SystemError) -> Bool {
        // Not blocking, should it be a FIFO; what cannot be opened, as a socket, is nothing that others could read.
        guard let file = try? Descriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW) else { return false }
        let status = try file.status()
        guard status.st_mode & 0o077 != 0, status.st_uid == geteuid() else { return false }
        try file.setMode(status.st_mode & 0o700)
        return true
    }

    /// Makes the directory and those above it that are missing; one that is there keeps its mode.
    package static func makeDirectories(_ path: String, mode: mode_t) throws(SystemError) {
        do throws(SystemError) {
            try ensureDirectory(path, mode: mode)
        } catch {
            guard error.code == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
                throw error
            }
            try makeDirectories(String(path[..<slash]), mode: mode)
            try ensureDirectory(path, mode: mode)
        }
    }

    /// Makes the directory in one that is there; does nothing, not even to its mode, when it is there itself.
    /// - Returns: whether it was made.
    /// - Throws: also when what is there is no directory.
    @discardableResult
    package static func ensureDirectory(_ path: String, mode: mode_t) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try makeDirectory(path, mode: mode)
            return true
        } catch {
            guard error.code == EEXIST, isDirectory(path) else { throw error }
            return false
        }
    }

    /// Makes the directory in one that is there.
    /// - Throws: also when it is there itself.
    package static func makeDirectory(_ path: String, mode: mode_t) throws(SystemError) {
        guard mkdir(path, mode) == 0 else { throw SystemError("mkdir", path) }
        guard chmod(path, mode) == 0 else { throw SystemError("chmod", path) }
    }

    package static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws(SystemError) {
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        try file.writeAll(bytes)
        try file.setMode(mode)
    }

    /// Writes a new file, a piece after the other.
    package static func copy(
        _ content: any ByteStream, to path: String, mode: mode_t
    ) throws(CopyError<SystemError>) {
        let file: Descriptor
        do throws(SystemError) {
            file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        } catch {
            throw .destination(error)
        }
        try content.copy { (piece) throws(SystemError) in try file.writeAll(piece) }
        do throws(SystemError) { try file.setMode(mode) } catch { throw .destination(error) }
    }

    /// Writes to a file that exists, as those of a control group do.
    package static func put(_ text: String, into path: String) throws(SystemError) {
        do {
            try Descriptor.open(path, O_WRONLY).writeAll(Array(text.utf8))
        } catch let error {
            throw SystemError("write '\(text)' to", path, code: error.code)
        }
    }

    /// The contents from an offset to the end, cut at `limit` bytes.
    package static func contents(
        of path: String, from offset: Int = 0, limit: Int = .max
    ) throws(SystemError) -> [UInt8] {
        let file = try Descriptor.open(path, O_RDONLY)
        // Not always: a pipe has no positions.
        if offset > 0 {
            guard lseek(file.number, off_t(offset), SEEK_SET) >= 0 else { throw SystemError("read", path) }
        }
        var contents: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
        defer { buffer.deallocate() }
        while contents.count < limit {
            guard let count = try file.readSome(into: buffer) else { throw SystemError("read", path, code: EAGAIN) }
            if count == 0 { break }
            contents.append(contentsOf: buffer[..<min(count, limit - contents.count)])
        }
        return contents
    }

    /// The contents, cut at `limit` bytes; `nil` when it cannot be read.
    package static func read(_ path: String, limit: Int = 1 << 20) -> [UInt8]? {
        try? contents(of: path, limit: limit)
    }

    package static func text(_ path: String) -> String? { read(path).map { String(decoding: $0, as: UTF8.self) } }

    /// The names in a directory that are UTF-8, sorted, none when there is no such directory: for folders of Invok's own and
    /// of the system, where others are nobody's. Whoever removes or moves what is in a folder that others wrote to goes by
    /// `DirectoryStream`.
    /// - Throws: when it cannot be read.
    package static func list(_ path: String) throws(SystemError) -> [String] {
        let number = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else {
            let error = SystemError("read", path)
            if error.isMissing { return [] }
            throw error
        }
        var directory = try DirectoryStream(taking: number, named: path.nameForCalls)
        var names: [String] = []
        while let name = directory.next() {
            if let text = String(validating: name.dropLast(), as: UTF8.self) { names.append(text) }
        }
        return names.sorted()
    }

    /// As `list`, and none when it cannot be read either.
    package static func names(in path: String) -> [String] { (try? list(path)) ?? [] }

    /// The path with all links followed; `nil` when there is nothing.
    package static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Gives the file or the directory another name on its file system, in the place of what has that name.
    package static func rename(_ path: String, to new: String) throws(SystemError) {
        guard Glibc.rename(path, new) == 0 else { throw SystemError("rename", path) }
    }

    /// Removes one file or link, never a directory; does nothing when there is none.
    package static func remove(_ path: String) throws(SystemError) {
        guard unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR else { throw SystemError("unlink", path) }
    }

    /// Removes the directory; does nothing when it is not empty or not there.
    package static func removeDirectoryIfEmpty(_ path: String) { rmdir(path) }

    /// Removes the file or the directory with all in it, whatever hostile code made of it; does nothing when there is none.
    /// - Throws: the first of what could not be done; what could is done.
    package static func removeTree(_ path: String) throws(SystemError) { try TreeRemoval.remove(path) }

    /// Makes the file or the directory's list of names durable.
    package static func synchronize(_ path: String) throws(SystemError) {
        try Descriptor.open(path, O_RDONLY).synchronize()
    }

    /// What a directory and all below it take on the disk: for bundles, whose paths are bounded.
    package static func usedBytes(below directory: String) -> Int {
        var sum = 4096
        for name in names(in: directory) {
            let path = directory + "/" + name
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            // An empty file is not for nothing either.
            sum +=
                status.st_mode & S_IFMT == S_IFDIR ? usedBytes(below: path) : max(4096, Int(status.st_blocks) * 512)
        }
        return sum
    }

    /// The directories of these relative paths, those above first.
    package static func folders(of paths: some Sequence<String>) -> [String] {
        var folders: Set<String> = []
        for path in paths {
            var rest = path[...]
            while let slash = rest.lastIndex(of: "/") {
                rest = rest[..<slash]
                guard folders.insert(String(rest)).inserted else { break }
            }
        }
        return folders.sorted()
    }
}

extension String {
    /// With its NUL, as system calls take it.
    package var nameForCalls: [CChar] { Array(utf8CString) }
}
