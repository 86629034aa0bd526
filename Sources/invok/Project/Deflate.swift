import CZlib

/// Compression (RFC 1951) by zlib, which the HTTP client links anyway.
enum Deflate {
    /// - Returns: `nil` where it would save nothing.
    static func compressed(_ content: [UInt8]) -> [UInt8]? {
        // On the heap: zlib keeps the address and refuses a stream that has moved.
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer { stream.deallocate() }
        guard zlib_raw_deflate_init(stream, Z_DEFAULT_COMPRESSION) == Z_OK else { return nil }
        defer { deflateEnd(stream) }
        var isWhole = false
        let compressed = [UInt8](unsafeUninitializedCapacity: content.count) { output, count in
            content.withUnsafeBufferPointer { input in
                // zlib does not write through it; its type is older than const.
                stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.pointee.avail_in = UInt32(input.count)
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = UInt32(output.count)
                isWhole = deflate(stream, Z_FINISH) == Z_STREAM_END
                count = output.count - Int(stream.pointee.avail_out)
            }
        }
        return isWhole && compressed.count < content.count ? compressed : nil
    }
}
