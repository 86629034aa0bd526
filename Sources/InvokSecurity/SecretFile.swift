public import Invok

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The file `jwt-secret` of a data directory.
public enum SecretFile {
    static let maximumBytes = 4096
    static let secretBytes = 32

    /// Reads the secret, and makes one of 256 random bits if there is none. Two processes that do so at once get the
    /// same.
    /// - Parameter path: the file; its directory exists.
    /// - Throws: `InvokError` with `invalid_config` when it is not a regular file of this user, others may read it, or
    ///   its content is no secret; `storage_full` or `unavailable` when it cannot be made or read.
    public static func readOrMake(path: String) throws(InvokError) -> [UInt8] {
        if let secret = try read(path) { return secret }
        try make(path)
        guard let secret = try read(path) else { throw failed("read", path, ENOENT) }
        return secret
    }

    /// - Returns: `nil` when there is no such file.
    private static func read(_ path: String) throws(InvokError) -> [UInt8]? {
        // Not blocking: a FIFO in its place must not hang the start.
        let file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            switch errno {
            case ENOENT: return nil
            case ELOOP: throw refused(path, "is a link")
            case let error: throw failed("read", path, error)
            }
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw failed("read", path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw refused(path, "is not a regular file") }
        guard status.st_uid == geteuid() else { throw refused(path, "belongs to another user") }
        guard status.st_mode & 0o077 == 0 else { throw refused(path, "can be read by others") }
        // One more than allowed, to see that there is more.
        var content = [UInt8](repeating: 0, count: maximumBytes + 1)
        let count = readAll(file, &content)
        guard count >= 0 else { throw failed("read", path, errno) }
        guard count <= maximumBytes else { throw refused(path, "is too large") }
        content.removeSubrange(count...)
        while let last = content.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { content.removeLast() }
        do { try TokenSecret.check(content) } catch { throw refused(path, "has no usable secret") }
        return content
    }

    /// Writes a secret to a new file beside `path` and links it there, which fails when another process was faster: so
    /// the file is never seen half-written, and one that exists is never replaced.
    private static func make(_ path: String) throws(InvokError) {
        var generator = SystemRandomNumberGenerator()
        let suffix = String(UInt64.random(in: .min ... .max, using: &generator), radix: 16)
        let temporary = "\(path).\(suffix)"
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failed("make", path, errno) }
        defer { unlink(temporary) }
        defer { close(file) }
        let digits = Array("0123456789abcdef".utf8)
        let secret = (0..<2 * secretBytes).map { _ in digits[Int.random(in: 0..<16, using: &generator)] }
        try writeAll(secret + [UInt8(ascii: "\n")], to: file, path)
        guard fsync(file) == 0 else { throw failed("write", path, errno) }
        guard link(temporary, path) == 0 || errno == EEXIST else { throw failed("make", path, errno) }
        syncDirectory(of: path)
    }

    private static func writeAll(_ bytes: [UInt8], to file: Int32, _ path: String) throws(InvokError) {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failed("write", path, errno) }
            written += count
        }
    }

    /// - Returns: how many bytes were read, or -1 with `errno` set.
    private static func readAll(_ file: Int32, _ buffer: inout [UInt8]) -> Int {
        var filled = 0
        while filled < buffer.count {
            let count = buffer[filled...].withUnsafeMutableBytes { readBytes(file, $0) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return -1 }
            guard count > 0 else { break }
            filled += count
        }
        return filled
    }

    /// Makes the new name durable. Should that fail, the next start makes another secret and everybody logs in again.
    private static func syncDirectory(of path: String) {
        let parent = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return }
        fsync(directory)
        close(directory)
    }

    private static func refused(_ path: String, _ why: String) -> InvokError {
        InvokError(
            .invalidConfig, "the token secret's file \(path) \(why)",
            nextStep: "delete it, so that a new one is made; everybody has to log in again then")
    }

    private static func failed(_ verb: String, _ path: String, _ error: Int32) -> InvokError {
        let isFull = error == ENOSPC || error == EDQUOT
        return InvokError(
            isFull ? .storageFull : .unavailable,
            "cannot \(verb) the token secret's file \(path): \(String(cString: strerror(error)))",
            nextStep: isFull ? "free some space" : "check the data directory's owner and permissions")
    }
}

/// The C library's `read`, whose name the enclosing type's method takes.
private func readBytes(_ file: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    read(file, buffer.baseAddress, buffer.count)
}
