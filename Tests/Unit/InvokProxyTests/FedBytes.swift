#if canImport(InvokProxy)
    @testable import InvokProxy
#endif

/// Pieces that come one after the other, as a driver hands them to a reader. For tests, and for the fuzzer, which compiles
/// it with the sources.
enum FedBytes {
    /// - Parameters:
    ///   - next: the reader.
    ///   - take: gets each part and what has come and was not taken yet, of which a body's part takes its own; returns
    ///     whether more is wanted.
    /// - Returns: `false` when no more was wanted, `true` when more is needed.
    static func feed<Part>(
        _ pieces: [ArraySlice<UInt8>],
        to next: (UnsafeRawBufferPointer) throws(MessageFault) -> (skipped: Int, part: Part?),
        take: (Part, inout [UInt8]) -> Bool
    ) throws(MessageFault) -> Bool {
        var pending: [UInt8] = []
        for piece in pieces {
            pending += piece
            while true {
                let (skipped, part) = try pending.withUnsafeBytes { bytes in
                    Result { () throws(MessageFault) in try next(bytes) }
                }.get()
                pending.removeFirst(skipped)
                guard let part else { break }
                guard take(part, &pending) else { return false }
            }
        }
        return true
    }
}
