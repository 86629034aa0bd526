import CZlib
import Invok

/// Compresses in pieces to the gzip format (RFC 1952).
final class GzipStream {
    // On the heap: zlib keeps the address and refuses a stream that has moved.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    /// - Throws: `unavailable` where there is no memory.
    init() throws(InvokError) {
        stream.initialize(to: z_stream())
        guard zlib_gzip_deflate_init(stream, Z_DEFAULT_COMPRESSION) == Z_OK else {
            stream.deallocate()
            throw .unavailable("zlib: no memory")
        }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// What has been compressed by now, which may be nothing.
    /// - Parameter isLast: whether nothing follows; then it is all that is left.
    func compress(_ piece: [UInt8], isLast: Bool = false) -> [UInt8] {
        var output: [UInt8] = []
        piece.withUnsafeBufferPointer { input in
            // zlib does not write through it; its type is older than const.
            stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.pointee.avail_in = UInt32(input.count)
            var isFull = true
            while isFull {
                output += [UInt8](unsafeUninitializedCapacity: 32 * 1024) { space, count in
                    stream.pointee.next_out = space.baseAddress
                    stream.pointee.avail_out = UInt32(space.count)
                    _ = deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
                    count = space.count - Int(stream.pointee.avail_out)
                    isFull = stream.pointee.avail_out == 0
                }
            }
        }
        return output
    }
}
