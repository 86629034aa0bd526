/// Bytes that are read from their start to their end, as often as they are needed, and that need not be in memory: those
/// of a file, or of an entry of an archive.
public protocol ByteStream: Sendable {
    /// How many there are. It does not change.
    var count: Int { get }
    /// Calls the body with the bytes, a piece of at most `pieceBytes` after the other. It may block on a disk, and take as
    /// long as inflating does: call it where that is allowed.
    /// - Throws: `unavailable`, what is wrong with the bytes, and what the body throws.
    func forEachPiece(_ body: (ArraySlice<UInt8>) throws(InvokError) -> Void) throws(InvokError)
}

extension ByteStream {
    /// The most that one piece has, in bytes.
    public static var pieceBytes: Int { 64 * 1024 }

    /// All of it in memory; `nil` when it is more than `limit` bytes.
    public func whole(upTo limit: Int) throws(InvokError) -> [UInt8]? {
        guard count <= limit else { return nil }
        return try beginning(count)
    }

    /// The first bytes, `limit` at most.
    public func beginning(_ limit: Int) throws(InvokError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(limit, count))
        try forEachPiece { bytes += $0.prefix(limit - bytes.count) }
        return bytes
    }
}

/// Which end of a copy failed.
package enum CopyError<Failure: Error>: Error {
    case source(InvokError)
    case destination(Failure)
}

extension ByteStream {
    /// Gives all bytes to a body that fails in a way of its own, a piece after the other. It may block.
    package func copy<Failure: Error>(
        _ write: (ArraySlice<UInt8>) throws(Failure) -> Void
    ) throws(CopyError<Failure>) {
        var failure: Failure?
        do throws(InvokError) {
            try forEachPiece { (piece) throws(InvokError) in
                do throws(Failure) {
                    try write(piece)
                } catch {
                    failure = error
                    throw .unavailable("the copy broke off")
                }
            }
        } catch {
            throw failure.map { .destination($0) } ?? .source(error)
        }
    }
}

/// Bytes that are read by their position (pread(2)): a file, or memory.
public protocol ByteSource: ByteStream {
    /// Reads all bytes of a range that is within the source. It may block on a disk: call it where that is allowed.
    /// - Throws: `unavailable`.
    func read(_ range: Range<Int>) throws(InvokError) -> [UInt8]
}

extension ByteSource {
    public func forEachPiece(_ body: (ArraySlice<UInt8>) throws(InvokError) -> Void) throws(InvokError) {
        for start in stride(from: 0, to: count, by: Self.pieceBytes) {
            try body(try read(start..<min(start + Self.pieceBytes, count))[...])
        }
    }
}

extension Array: ByteStream, ByteSource where Element == UInt8 {
    public func read(_ range: Range<Int>) throws(InvokError) -> [UInt8] { Array(self[range]) }
}
