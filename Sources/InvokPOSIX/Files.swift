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

    /// Whether it is ours, and no other user may write to it.
    package static func belongsToUsAlone(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_uid == geteuid() && status.st_mode & 0o022 == 0
    }

    /// Makes the directory and those above it that are missing.
    package static func makeDirectories(_ path: String, mode: mode_t) throws(SystemError) {
        if isDirectory(path) { return }
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            try makeDirectories(String(path[..<slash]), mode: mode)
        }
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw SystemError("mkdir", path) }
        guard chmod(path, mode) == 0 else { throw SystemError("chmod", path) }
    }

    package static func makeDirectory(_ path: String, mode: mode_t) throws(SystemError) {
        guard mkdir(path, mode) == 0 else { throw SystemError("mkdir", path) }
        guard chmod(path, mode) == 0 else { throw SystemError("chmod", path) }
    }

    package static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws(SystemError) {
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        try file.writeAll(bytes)
        guard fchmod(file.number, mode) == 0 else { throw SystemError("chmod", path) }
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
        guard fchmod(file.number, mode) == 0 else { throw .destination(SystemError("chmod", path)) }
    }

    /// Writes to a file that exists, as those of a control group do.
    package static func put(_ text: String, into path: String) throws(SystemError) {
        do {
            try Descriptor.open(path, O_WRONLY).writeAll(Array(text.utf8))
        } catch let error {
            throw SystemError("write '\(text)' to", path, code: error.code)
        }
    }

    /// The contents, cut at `limit` bytes; `nil` when it cannot be read.
    package static func read(_ path: String, limit: Int = 1 << 20) -> [UInt8]? {
        guard let file = try? Descriptor.open(path, O_RDONLY) else { return nil }
        var contents: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
        defer { buffer.deallocate() }
        while contents.count < limit {
            guard let count = try? file.readSome(into: buffer) else { return nil }
            if count == 0 { break }
            contents.append(contentsOf: buffer[..<min(count, limit - contents.count)])
        }
        return contents
    }

    package static func text(_ path: String) -> String? { read(path).map { String(decoding: $0, as: UTF8.self) } }

    /// The names in a directory that are UTF-8, none when it cannot be read: for folders of Invok's own and of the system,
    /// where others are nobody's. Whoever removes or moves what is in a folder goes by `DirectoryStream`.
    package static func names(in path: String) -> [String] {
        let number = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0, var directory = try? DirectoryStream(taking: number, named: path.nameForCalls) else {
            return []
        }
        var names: [String] = []
        while let name = directory.next() {
            if let text = String(validating: name.dropLast(), as: UTF8.self) { names.append(text) }
        }
        return names.sorted()
    }

    /// The path with all links followed; `nil` when there is nothing.
    package static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Removes the file or the directory with all in it, whatever hostile code made of it; does nothing when there is none.
    /// - Throws: the first of what could not be done; what could is done.
    package static func removeTree(_ path: String) throws(SystemError) { try TreeRemoval.remove(path) }

    /// Makes the file or the directory's list of names durable.
    package static func sync(_ path: String) throws(SystemError) {
        let file = try Descriptor.open(path, O_RDONLY)
        guard fsync(file.number) == 0 else { throw SystemError("fsync", path) }
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
