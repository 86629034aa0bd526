/// Bytes that are read by their position (pread(2)): a file, or memory.
public protocol ByteSource: Sendable {
    /// How many there are. It does not change.
    var count: Int { get }
    /// Reads all bytes of a range that is within the source. It may block on a disk: call it where that is allowed.
    /// - Throws: `unavailable`.
    func read(_ range: Range<Int>) throws(InvokError) -> [UInt8]
}

extension Array: ByteSource where Element == UInt8 {
    public func read(_ range: Range<Int>) throws(InvokError) -> [UInt8] { Array(self[range]) }
}
