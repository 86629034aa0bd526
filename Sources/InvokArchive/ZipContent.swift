import CZlib
import Invok

/// The content of one entry, from the place that was checked: stored, or inflated by zlib (RFC 1951). It is an error
/// unless every byte of that place belongs to it, and the size and the checksum are those of the directory.
enum ZipContent {
    static let chunkBytes = [UInt8].pieceBytes

    /// Calls the body with the content's pieces, each of at most `chunkBytes` bytes, and never with more in all than the
    /// directory tells.
    /// - Throws: `invalid_archive`, and what the source and the body throw.
    static func read(
        _ entry: ZipEntry, of source: any ByteSource, each body: (ArraySlice<UInt8>) throws(InvokError) -> Void
    ) throws(InvokError) {
        var check = Check(entry)
        switch entry.method {
        case .stored:
            try forEachPiece(of: entry.data, in: source) { (piece, _) throws(InvokError) in
                try check.take(piece[...])
                try body(piece[...])
            }
        case .deflated:
            let inflater = try Inflater(chunkBytes: min(chunkBytes, entry.size + 1))
            var hasEnded = false
            try forEachPiece(of: entry.data, in: source) { (piece, isLast) throws(InvokError) in
                hasEnded = try inflater.feed(piece, isLast: isLast, path: entry.path) { (chunk) throws(InvokError) in
                    try check.take(chunk)
                    try body(chunk)
                }
            }
            guard hasEnded else { throw .damaged("the data of '\(entry.path.prefix(120))' is cut off") }
        }
        try check.finish()
    }

    private static func forEachPiece(
        of range: Range<Int>, in source: any ByteSource, _ body: ([UInt8], Bool) throws(InvokError) -> Void
    ) throws(InvokError) {
        var position = range.lowerBound
        while position < range.upperBound {
            let next = min(position + chunkBytes, range.upperBound)
            try body(try source.read(position..<next), next == range.upperBound)
            position = next
        }
    }

    private struct Check {
        private let entry: ZipEntry
        private var size = 0
        private var checksum: UInt = crc32(0, nil, 0)

        init(_ entry: ZipEntry) { self.entry = entry }

        mutating func take(_ chunk: ArraySlice<UInt8>) throws(InvokError) {
            size += chunk.count
            guard size <= entry.size else { throw .damaged("'\(entry.path.prefix(120))' is larger than it says") }
            checksum = chunk.withUnsafeBufferPointer { crc32(checksum, $0.baseAddress, UInt32($0.count)) }
        }

        func finish() throws(InvokError) {
            guard size == entry.size else { throw .damaged("'\(entry.path.prefix(120))' is smaller than it says") }
            guard checksum == UInt(entry.checksum) else {
                throw .damaged("the checksum of '\(entry.path.prefix(120))' is wrong")
            }
        }
    }
}

/// One stream of raw deflate. Not for several threads at once.
private final class Inflater {
    /// On the heap: zlib keeps the address and refuses a stream that has moved.
    private let stream: UnsafeMutablePointer<z_stream>
    private var chunk: [UInt8]

    init(chunkBytes: Int) throws(InvokError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        chunk = [UInt8](repeating: 0, count: chunkBytes)
        guard zlib_raw_inflate_init(stream) == Z_OK else { throw .outOfMemory }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Inflates one piece whole.
    /// - Parameter isLast: whether the stream has to end in it.
    /// - Returns: whether the stream ended, which it may with the last byte of the last piece only.
    func feed(
        _ piece: [UInt8], isLast: Bool, path: String, each body: (ArraySlice<UInt8>) throws(InvokError) -> Void
    ) throws(InvokError) -> Bool {
        var taken = 0
        while true {
            let (code, consumed, made) = step(piece[taken...])
            taken += consumed
            guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
                throw code == Z_MEM_ERROR ? .outOfMemory : .damaged("'\(path.prefix(120))' cannot be inflated")
            }
            if made > 0 { try body(chunk[..<made]) }
            if code == Z_STREAM_END {
                guard isLast, taken == piece.count else {
                    throw .damaged("something stands behind the data of '\(path.prefix(120))'")
                }
                return true
            }
            // A chunk that is not full means that zlib has no more to give for now.
            if made < chunk.count {
                guard taken == piece.count else { throw .damaged("'\(path.prefix(120))' cannot be inflated") }
                return false
            }
        }
    }

    private func step(_ input: ArraySlice<UInt8>) -> (code: Int32, consumed: Int, made: Int) {
        input.withUnsafeBufferPointer { input in
            chunk.withUnsafeMutableBufferPointer { output in
                // zlib does not write through it; its type is older than const.
                stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.pointee.avail_in = UInt32(input.count)
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = UInt32(output.count)
                let code = inflate(stream, Z_NO_FLUSH)
                return (
                    code, input.count - Int(stream.pointee.avail_in), output.count - Int(stream.pointee.avail_out)
                )
            }
        }
    }
}

extension InvokError {
    fileprivate static let outOfMemory = InvokError(
        .unavailable, "the service is temporarily unavailable", nextStep: "try again in a moment",
        inner: "zlib: out of memory", retryAfterSeconds: 2)
}
