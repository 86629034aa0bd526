#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A failed system call.
struct FileError: Error, Hashable {
    let code: Int32
    let call: String
    let path: String

    /// Takes the current `errno`.
    init(_ call: String, _ path: String) {
        self.init(code: errno, call: call, path: path)
    }

    init(code: Int32, call: String, path: String) {
        self.code = code
        self.call = call
        self.path = path
    }

    var isMissing: Bool { code == ENOENT || code == ENOTDIR }
    /// The disk, the quota or the file's size limit.
    var isFull: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }
    /// In words: "cannot write /a/b: No space left on device".
    var message: String { "cannot \(call) \(path): \(String(cString: strerror(code)))" }
}

/// The file system by its system calls. All of them block.
enum Files {
    /// Opens a file, never to be inherited by another program.
    static func open(_ path: String, _ flags: Int32, mode: mode_t = 0o600) throws(FileError) -> Int32 {
        while true {
            #if canImport(Glibc)
                let descriptor = Glibc.open(path, flags | O_CLOEXEC, mode)
            #else
                let descriptor = Darwin.open(path, flags | O_CLOEXEC, mode)
            #endif
            if descriptor >= 0 { return descriptor }
            if errno != EINTR { throw FileError("open", path) }
        }
    }

    /// Opens a file for a body, and closes it after.
    static func with<Value>(
        _ path: String, _ flags: Int32, _ body: (Int32) throws(FileError) -> Value
    ) throws(FileError) -> Value {
        let descriptor = try open(path, flags)
        defer { close(descriptor) }
        return try body(descriptor)
    }

    static func size(_ path: String) throws(FileError) -> Int {
        var status = stat()
        guard stat(path, &status) == 0 else { throw FileError("read", path) }
        return Int(status.st_size)
    }

    /// The whole file.
    static func read(_ path: String) throws(FileError) -> [UInt8] {
        try read(path, from: 0)
    }

    /// The file from an offset to its end.
    static func read(_ path: String, from offset: Int) throws(FileError) -> [UInt8] {
        try with(path, O_RDONLY) { (descriptor) throws(FileError) in
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { throw FileError("read", path) }
            var bytes = [UInt8](repeating: 0, count: max(0, Int(status.st_size) - offset))
            var filled = 0
            while filled < bytes.count {
                let room = bytes.count - filled
                let count = bytes.withUnsafeMutableBytes {
                    pread(descriptor, $0.baseAddress?.advanced(by: filled), room, off_t(offset + filled))
                }
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw FileError("read", path) }
                guard count > 0 else { break }
                filled += count
            }
            return Array(bytes.prefix(filled))
        }
    }

    /// Writes all bytes at the descriptor's position.
    static func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32, path: String) throws(FileError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                #if canImport(Glibc)
                    Glibc.write(descriptor, $0.baseAddress?.advanced(by: written), bytes.count - written)
                #else
                    Darwin.write(descriptor, $0.baseAddress?.advanced(by: written), bytes.count - written)
                #endif
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileError("write", path) }
            written += count
        }
    }

    /// Reads all bytes of a range, wherever the descriptor's position is (pread(2)). A file that ends in it is an error.
    static func read(_ descriptor: Int32, _ range: Range<Int>, path: String) throws(FileError) -> [UInt8] {
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            while count < range.count, let base = buffer.baseAddress {
                let read = pread(descriptor, base + count, range.count - count, off_t(range.lowerBound + count))
                if read < 0, errno == EINTR { continue }
                guard read > 0 else {
                    code = read < 0 ? errno : EIO
                    return
                }
                count += read
            }
        }
        guard code == 0 else { throw FileError(code: code, call: "read", path: path) }
        return bytes
    }

    /// Returns when what was written is on the disk.
    static func synchronize(_ descriptor: Int32, path: String) throws(FileError) {
        guard fsync(descriptor) == 0 else { throw FileError("write", path) }
    }

    /// Returns when the directory's entries are on the disk.
    static func synchronizeDirectory(_ path: String) throws(FileError) {
        try with(path, O_RDONLY | O_DIRECTORY) { (descriptor) throws(FileError) in
            try synchronize(descriptor, path: path)
        }
    }

    static func rename(_ from: String, to: String) throws(FileError) {
        #if canImport(Glibc)
            let status = Glibc.rename(from, to)
        #else
            let status = Darwin.rename(from, to)
        #endif
        guard status == 0 else { throw FileError("rename", from) }
    }

    /// Does nothing when there is none.
    static func remove(_ path: String) throws(FileError) {
        guard unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR else { throw FileError("remove", path) }
    }

    /// Removes an empty directory; does nothing when it is not empty or not there.
    static func removeDirectoryIfEmpty(_ path: String) {
        rmdir(path)
    }

    /// Makes a directory that only its owner can enter; does nothing when it is there.
    /// - Returns: whether it was made.
    @discardableResult
    static func makeDirectory(_ path: String) throws(FileError) -> Bool {
        if mkdir(path, 0o700) == 0 { return true }
        let error = FileError("create", path)
        var status = stat()
        guard error.code == EEXIST, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { throw error }
        return false
    }

    /// Whether it belongs to the user of this process.
    static func isOurs(_ path: String) throws(FileError) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0 else { throw FileError("read", path) }
        return status.st_uid == geteuid()
    }

    /// Takes all rights on a file or directory of ours away from group and others. Links are left as they are.
    /// - Returns: whether there were any.
    static func closeToOthers(_ path: String) throws(FileError) -> Bool {
        // Not blocking, should it be a FIFO; what cannot be opened, as a socket, is nothing that others could read.
        let descriptor: Int32
        do throws(FileError) {
            descriptor = try open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW)
        } catch {
            return false
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError("read", path) }
        guard status.st_mode & 0o077 != 0, status.st_uid == geteuid() else { return false }
        guard fchmod(descriptor, status.st_mode & 0o700) == 0 else { throw FileError("change the mode of", path) }
        return true
    }

    /// Makes a directory and those above it that are missing.
    static func makeDirectories(_ path: String) throws(FileError) {
        do {
            try makeDirectory(path)
        } catch {
            guard error.code == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
                throw error
            }
            try makeDirectories(String(path[..<slash]))
            try makeDirectory(path)
        }
    }

    /// The names in a directory, sorted; none when it does not exist.
    static func names(in path: String) throws(FileError) -> [String] {
        guard let directory = opendir(path) else {
            let error = FileError("read", path)
            if error.isMissing { return [] }
            throw error
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
