public import Invok

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A secret in a file of the data directory.
public struct SecretFile: Sendable {
    static let maximumBytes = 4096
    static let secretBytes = 32

    private let secret: Secret
    private let path: String

    /// - Parameter path: the file; its directory exists.
    public init(_ secret: Secret, path: String) {
        self.secret = secret
        self.path = path
    }

    /// Reads the secret, and makes one of 256 random bits if there is none. Two processes that do so at once get the
    /// same.
    /// - Throws: `InvokError` with `invalid_config` when it is not a regular file of this user, others may read it, or
    ///   its content is no secret; `storage_full` or `unavailable` when it cannot be made or read.
    public func readOrMake() throws(InvokError) -> [UInt8] {
        if let content = try read() { return content }
        try make()
        guard let content = try read() else { throw failed("read", ENOENT) }
        return content
    }

    /// Takes the place of another file, durably.
    /// - Throws: `unavailable` when there is no such file any more, among others.
    public func move(to path: String) throws(InvokError) {
        guard rename(self.path, path) == 0 else { throw failed("rename", errno) }
        Self.syncDirectory(of: path)
    }

    /// - Returns: `nil` when there is no such file.
    /// - Throws: as `readOrMake`.
    public func read() throws(InvokError) -> [UInt8]? {
        // Not blocking: a FIFO in its place must not hang the start.
        let file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            switch errno {
            case ENOENT: return nil
            case ELOOP: throw refused("is a link")
            case let error: throw failed("read", error)
            }
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw failed("read", errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw refused("is not a regular file") }
        guard status.st_uid == geteuid() else { throw refused("belongs to another user") }
        guard status.st_mode & 0o077 == 0 else { throw refused("can be read by others") }
        // One more than allowed, to see that there is more.
        var content = [UInt8](repeating: 0, count: Self.maximumBytes + 1)
        let count = Self.readAll(file, &content)
        guard count >= 0 else { throw failed("read", errno) }
        guard count <= Self.maximumBytes else { throw refused("is too large") }
        content.removeSubrange(count...)
        while let last = content.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { content.removeLast() }
        do { try secret.check(content) } catch { throw refused("has no usable secret") }
        return content
    }

    /// Writes a secret to a new file beside `path` and links it there, which fails when another process was faster: so
    /// the file is never seen half-written, and one that exists is never replaced.
    private func make() throws(InvokError) {
        var generator = SystemRandomNumberGenerator()
        let suffix = String(UInt64.random(in: .min ... .max, using: &generator), radix: 16)
        let temporary = "\(path).\(suffix)"
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failed("make", errno) }
        defer { unlink(temporary) }
        defer { close(file) }
        let digits = Array("0123456789abcdef".utf8)
        let content = (0..<2 * Self.secretBytes).map { _ in digits[Int.random(in: 0..<16, using: &generator)] }
        try writeAll(content + [UInt8(ascii: "\n")], to: file)
        guard fsync(file) == 0 else { throw failed("write", errno) }
        guard link(temporary, path) == 0 || errno == EEXIST else { throw failed("make", errno) }
        Self.syncDirectory(of: path)
    }

    private func writeAll(_ bytes: [UInt8], to file: Int32) throws(InvokError) {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failed("write", errno) }
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

    /// Makes the new name durable. Should that fail, it may be gone after the power fails.
    private static func syncDirectory(of path: String) {
        let parent = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return }
        fsync(directory)
        close(directory)
    }

    private func refused(_ why: String) -> InvokError {
        InvokError(
            .invalidConfig, "the file of \(secret.name), \(path), \(why)", nextStep: secret.nextStepForFile)
    }

    private func failed(_ verb: String, _ error: Int32) -> InvokError {
        let isFull = error == ENOSPC || error == EDQUOT
        return InvokError(
            isFull ? .storageFull : .unavailable,
            "cannot \(verb) the file of \(secret.name), \(path): \(String(cString: strerror(error)))",
            nextStep: isFull ? "free some space" : "check the data directory's owner and permissions")
    }
}

/// The C library's `read`, whose name the enclosing type's method takes.
private func readBytes(_ file: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    read(file, buffer.baseAddress, buffer.count)
}
