import Glibc
import Invok
import InvokPOSIX

/// A file that is read as long as somebody holds it, also when its name has gone meanwhile.
final class OpenFile: ByteSource {
    private let descriptor: Descriptor
    let count: Int

    /// - Throws: when there is no such file, or it cannot be read.
    init(_ path: String) throws(SystemError) {
        descriptor = try Descriptor.open(path, O_RDONLY)
        count = Int(try descriptor.status().st_size)
    }

    func read(_ range: Range<Int>) throws(InvokError) -> [UInt8] {
        do throws(SystemError) { return try descriptor.read(range) } catch { throw InvokError(error) }
    }
}

extension InvokError {
    /// Kept bytes cannot be read.
    init(_ error: SystemError) {
        self.init(
            .unavailable, "the service is temporarily unavailable", nextStep: "try again in a moment",
            inner: error.message, retryAfterSeconds: 2)
    }
}
