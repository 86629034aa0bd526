#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What the file system says of a path, without following a link.
struct FileStatus {
    enum Kind { case file, directory, link, other }

    let kind: Kind
    let size: Int
    let isExecutable: Bool
}

/// The few file operations that the CLI needs, on POSIX, so that start-up loads no Foundation.
enum Files {
    /// - Returns: `nil` where nothing is at the path.
    static func status(_ path: String) throws(Failure) -> FileStatus? {
        var info = stat()
        guard lstat(path, &info) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw .file(path, "read", reason())
        }
        let kind: FileStatus.Kind =
            switch info.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            case S_IFLNK: .link
            default: .other
            }
        return FileStatus(kind: kind, size: Int(info.st_size), isExecutable: info.st_mode & 0o111 != 0)
    }

    /// Where a link leads, as it says itself.
    static func linkTarget(_ path: String) throws(Failure) -> String {
        var target = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &target, target.count)
        guard count >= 0 else { throw .file(path, "read", reason()) }
        return String(decoding: target[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The path without links, `.` and `..`.
    /// - Returns: `nil` where nothing is there: a link leads nowhere, or in a circle.
    static func realPath(_ path: String) throws(Failure) -> String? {
        guard let resolved = realpath(path, nil) else {
            if [ENOENT, ENOTDIR, ELOOP].contains(errno) { return nil }
            throw .file(path, "read", reason())
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// The whole content of a file.
    /// - Returns: `nil` where there is none.
    static func read(_ path: String) throws(Failure) -> [UInt8]? {
        guard let descriptor = try open(path, 0) else { return nil }
        defer { close(descriptor) }
        return try readAll(descriptor, name: path)
    }

    /// The whole content of what is a regular file itself, and no link to one, when it is opened.
    /// - Returns: `nil` where there is none.
    static func readRegular(_ path: String) throws(Failure) -> [UInt8]? {
        // Not blocking: a FIFO may have taken its place.
        guard let descriptor = try open(path, O_NOFOLLOW | O_NONBLOCK) else { return nil }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw .file(path, "read", reason()) }
        guard info.st_mode & S_IFMT == S_IFREG else { throw .file(path, "read", "it is not a regular file any more") }
        return try readAll(descriptor, name: path)
    }

    /// The whole content of a file that nobody else can have written or read.
    /// - Returns: `nil` where there is none.
    static func readPrivate(_ path: String) throws(Failure) -> [UInt8]? {
        guard let descriptor = try open(path, O_NONBLOCK) else { return nil }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw .file(path, "read", reason()) }
        guard info.st_uid == geteuid() else {
            throw .file(path, "read", "it belongs to somebody else", nextStep: "remove it and log in again")
        }
        guard info.st_mode & 0o077 == 0 else {
            throw .file(
                path, "read", "others may read or write it, so it may come from anywhere",
                nextStep: "remove it and log in again, or run 'chmod 600' on it if it is yours")
        }
        return try readAll(descriptor, name: path)
    }

    private static func open(_ path: String, _ flags: Int32) throws(Failure) -> Int32? {
        let descriptor = systemOpen(path, O_RDONLY | O_CLOEXEC | flags)
        if descriptor >= 0 { return descriptor }
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw .file(path, "read", reason())
    }

    /// All of the standard input.
    static func readStandardInput() throws(Failure) -> [UInt8] { try readAll(STDIN_FILENO, name: "stdin") }

    /// All that can be read from a descriptor.
    static func readAll(_ descriptor: Int32, name: String) throws(Failure) -> [UInt8] {
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = systemRead(descriptor, &chunk)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .file(name, "read", reason()) }
            guard count > 0 else { return content }
            content += chunk[..<count]
        }
    }

    /// Writes a file that must not exist yet.
    static func create(_ path: String, content: [UInt8], mode: mode_t = 0o644) throws(Failure) {
        let descriptor = systemOpen(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw .file(path, "create", reason()) }
        defer { close(descriptor) }
        var rest = content[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .file(path, "write", reason()) }
            rest = rest.dropFirst(count)
        }
    }

    /// Replaces a file in one step: a reader sees the old or the new content, and never a half.
    static func replace(_ path: String, content: [UInt8], mode: mode_t) throws(Failure) {
        let temporary = path + ".\(getpid()).tmp"
        unlink(temporary)
        do throws(Failure) {
            try create(temporary, content: content, mode: mode)
            guard rename(temporary, path) == 0 else { throw .file(path, "write", reason()) }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// Makes a directory that must not exist yet.
    static func makeDirectory(_ path: String) throws(Failure) {
        guard mkdir(path, 0o755) == 0 else { throw .file(path, "create", reason()) }
    }

    /// Makes a directory and those above it, where they are missing.
    static func ensureDirectory(_ path: String, mode: mode_t) throws(Failure) {
        if path.isEmpty || path == "/" || access(path, F_OK) == 0 { return }
        if let slash = path.lastIndex(of: "/") { try ensureDirectory(String(path[..<slash]), mode: mode) }
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw .file(path, "create", reason()) }
    }

    /// The names in a directory, sorted.
    static func names(in path: String) throws(Failure) -> [String] {
        guard let directory = opendir(path) else { throw .file(path, "read", reason()) }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let capacity = MemoryLayout.size(ofValue: entry.pointee.d_name)
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: capacity) { String(validatingCString: $0) }
            }
            guard let name else { throw .file(path, "read", "a name in it is not UTF-8", nextStep: "rename that file") }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Whether entries can be made in a directory; `reason` says why not.
    static func isWritable(_ path: String) -> Bool { access(path, W_OK) == 0 }

    static func remove(_ path: String) { unlink(path) }

    /// The directory the process is in.
    static func currentDirectory() -> String {
        guard let path = getcwd(nil, 0) else { return "." }
        defer { free(path) }
        return String(cString: path)
    }

    /// The failure of a read, where `Failure` names something else.
    static func failure(reading path: String) -> Failure { .file(path, "read", reason()) }

    /// What the last system call said.
    static func reason() -> String { String(cString: strerror(errno)) }
}

/// `open(2)`; inside `Files` its name is taken.
private func systemOpen(_ path: String, _ flags: Int32, _ mode: mode_t = 0) -> Int32 { open(path, flags, mode) }

/// `read(2)`, likewise.
private func systemRead(_ descriptor: Int32, _ buffer: inout [UInt8]) -> Int {
    buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
}
