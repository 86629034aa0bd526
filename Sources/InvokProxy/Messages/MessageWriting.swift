// What both kinds of messages are written with.

extension [UInt8] {
    /// Adds a line of a head or of trailers; an empty one ends it.
    mutating func appendLine(_ parts: String...) {
        for part in parts { append(contentsOf: part.utf8) }
        append(Characters.cr)
        append(Characters.lf)
    }

    mutating func appendLine(_ bytes: ArraySlice<UInt8>) {
        append(contentsOf: bytes)
        append(Characters.cr)
        append(Characters.lf)
    }

    mutating func appendField(_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) {
        append(contentsOf: name)
        append(UInt8(ascii: ":"))
        append(Characters.space)
        appendLine(value)
    }

    /// - Parameter number: not negative.
    mutating func appendDecimal(_ number: Int) {
        if number >= 10 { appendDecimal(number / 10) }
        append(UInt8(ascii: "0") + UInt8(number % 10))
    }
}

extension Sequence where Element == (name: String, value: String) {
    /// Fields as they are written.
    var bytes: some Sequence<(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)> {
        lazy.map { (name: Array($0.name.utf8)[...], value: Array($0.value.utf8)[...]) }
    }
}

/// How bytes of a body are sent: the first `count` of them, between what stands before and behind.
struct BodyFrame: Hashable, Sendable {
    var before: [UInt8] = []
    var count: Int
    var behind: [UInt8] = []
}

/// The coding of a body whose length is not known before (RFC 9112 §7.1).
enum ChunkedCoding {
    /// - Parameter count: at least one, since an empty chunk is the last.
    static func frame(_ count: Int) -> BodyFrame {
        var line: [UInt8] = []
        line.appendLine(String(count, radix: 16))
        return BodyFrame(before: line, count: count, behind: [Characters.cr, Characters.lf])
    }

    /// - Parameter bytes: at least one.
    static func chunk(_ bytes: [UInt8]) -> [UInt8] {
        let frame = frame(bytes.count)
        return frame.before + bytes + frame.behind
    }

    static func end(trailers: [(name: String, value: String)] = []) -> [UInt8] {
        var end: [UInt8] = []
        end.appendLine("0")
        for (name, value) in trailers { end.appendLine(name, ": ", value) }
        end.appendLine()
        return end
    }
}
