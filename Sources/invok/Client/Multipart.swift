import NIOCore

/// A `multipart/form-data` body with one file part (RFC 7578).
struct Multipart {
    let contentType: String
    /// How much of it has gone.
    let transfer: Transfer
    private let parts: [[UInt8]]

    /// - Parameter fileName: ASCII without quotes; also the name of the part.
    init(fileName: String, content: [UInt8]) {
        // 128 random bits: no content holds the boundary by chance.
        let boundary =
            "invok-" + String(UInt64.random(in: .min ... .max), radix: 16)
            + String(UInt64.random(in: .min ... .max), radix: 16)
        contentType = "multipart/form-data; boundary=\(boundary)"
        let head =
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(fileName)\"; filename=\"\(fileName)\"\r\n"
            + "Content-Type: application/zip\r\n\r\n"
        parts = [Array(head.utf8), content, Array("\r\n--\(boundary)--\r\n".utf8)]
        transfer = Transfer(total: parts.reduce(0) { $0 + $1.count })
    }

    /// The body, a piece after the other as the connection takes them.
    var pieces: Pieces { Pieces(parts: parts, transfer: transfer) }

    struct Pieces: AsyncSequence, Sendable {
        static let size = 64 * 1024

        fileprivate let parts: [[UInt8]]
        fileprivate let transfer: Transfer

        struct AsyncIterator: AsyncIteratorProtocol {
            fileprivate var parts: ArraySlice<[UInt8]>
            fileprivate let transfer: Transfer
            private var position = 0

            fileprivate init(_ pieces: Pieces) {
                parts = pieces.parts[...]
                transfer = pieces.transfer
            }

            mutating func next() async -> ByteBuffer? {
                while let part = parts.first {
                    let piece = part[position..<Swift.min(part.count, position + Pieces.size)]
                    guard !piece.isEmpty else {
                        parts.removeFirst()
                        position = 0
                        continue
                    }
                    position = piece.endIndex
                    transfer.add(piece.count)
                    return ByteBuffer(bytes: piece)
                }
                return nil
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }
    }
}
