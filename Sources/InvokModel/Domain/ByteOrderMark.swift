/// The mark that some editors put before a text (Unicode 16.0 §23.8), which few readers of configurations know.
package enum ByteOrderMark {
    private static let utf8: [UInt8] = [0xEF, 0xBB, 0xBF]

    static func isUTF16(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
    }

    package static func dropped(from bytes: [UInt8]) -> ArraySlice<UInt8> {
        bytes.starts(with: utf8) ? bytes.dropFirst(utf8.count) : bytes[...]
    }

    /// The same text without a mark. Its beginning is read, which may block.
    static func dropped(from text: any ByteStream) throws(InvokError) -> any ByteStream {
        try text.beginning(utf8.count) == utf8 ? WithoutBeginning(stream: text, left: utf8.count) : text
    }

    private struct WithoutBeginning: ByteStream {
        let stream: any ByteStream
        let left: Int

        var count: Int { stream.count - left }

        func forEachPiece(_ body: (ArraySlice<UInt8>) throws(InvokError) -> Void) throws(InvokError) {
            var left = left
            try stream.forEachPiece { (piece) throws(InvokError) in
                let rest = piece.dropFirst(left)
                left -= piece.count - rest.count
                if !rest.isEmpty { try body(rest) }
            }
        }
    }
}
