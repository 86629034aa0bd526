import Invok

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file that is read as long as somebody holds it, also when its name has gone meanwhile.
final class OpenFile: ByteSource {
    private let descriptor: Int32
    let count: Int
    private let path: String

    /// - Throws: when there is no such file, or it cannot be read.
    init(_ path: String) throws(FileError) {
        let descriptor = try Files.open(path, O_RDONLY)
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let error = FileError("read", path)
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        self.path = path
        count = Int(status.st_size)
    }

    deinit { close(descriptor) }

    func read(_ range: Range<Int>) throws(InvokError) -> [UInt8] {
        do throws(FileError) { return try Files.read(descriptor, range, path: path) } catch { throw InvokError(error) }
    }
}

extension InvokError {
    /// Kept bytes cannot be read.
    init(_ error: FileError) {
        self.init(
            .unavailable, "the service is temporarily unavailable", nextStep: "try again in a moment",
            inner: error.message, retryAfterSeconds: 2)
    }
}
