// What both kinds of messages are written with.

extension [UInt8] {
    /// Adds a line of a head or of trailers; an empty one ends it.
    mutating func appendLine(_ parts: String...) {
        for part in parts { append(contentsOf: part.utf8) }
        append(Characters.cr)
        append(Characters.lf)
    }
}

/// The coding of a body whose length is not known before (RFC 9112 §7.1).
enum ChunkedCoding {
    /// - Parameter bytes: at least one, since an empty chunk is the last.
    static func chunk(_ bytes: [UInt8]) -> [UInt8] {
        var chunk: [UInt8] = []
        chunk.reserveCapacity(bytes.count + 20)
        chunk.appendLine(String(bytes.count, radix: 16))
        chunk += bytes
        chunk.appendLine()
        return chunk
    }

    static func end(trailers: [(name: String, value: String)] = []) -> [UInt8] {
        var end: [UInt8] = []
        end.appendLine("0")
        for (name, value) in trailers { end.appendLine(name, ": ", value) }
        end.appendLine()
        return end
    }
}
