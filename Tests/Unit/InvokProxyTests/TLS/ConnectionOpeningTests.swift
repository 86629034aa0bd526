import Testing

@testable import InvokProxy

struct ConnectionOpeningTests {
    typealias Kind = ConnectionOpening.Kind

    // MARK: Messages

    private static func number(_ value: Int, _ bytes: Int) -> [UInt8] {
        (0..<bytes).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    /// Content behind its length.
    private static func vector(_ bytes: [UInt8], _ lengthBytes: Int) -> [UInt8] {
        number(bytes.count, lengthBytes) + bytes
    }

    private static func `extension`(_ type: Int, _ content: [UInt8]) -> [UInt8] {
        number(type, 2) + vector(content, 2)
    }

    private static func alpn(_ names: [String]) -> [UInt8] {
        `extension`(16, vector(names.flatMap { vector(Array($0.utf8), 1) }, 2))
    }

    /// A ClientHello as browsers send one, but for what is in its extensions.
    private static func hello(_ extensions: [UInt8]?) -> [UInt8] {
        let ciphers = vector([0x13, 0x01, 0xC0, 0x2B], 2)
        let body =
            [3, 3] + [UInt8](repeating: 7, count: 32) + vector([UInt8](repeating: 9, count: 32), 1) + ciphers
            + vector([0], 1) + (extensions.map { vector($0, 2) } ?? [])
        return [1] + vector(body, 3)
    }

    private static func records(_ message: [UInt8], of size: Int = 1 << 14) -> [UInt8] {
        stride(from: 0, to: message.count, by: size).flatMap { start in
            [22, 3, 1] + vector(Array(message[start..<min(start + size, message.count)]), 2)
        }
    }

    private static let name = `extension`(0, vector([0] + vector(Array("localhost".utf8), 2), 2))

    static let samples: [([UInt8], Kind?)] = [
        (records(hello(name + alpn(["h2", "http/1.1"]))), .tls), (records(hello(alpn(["http/1.1"]))), .tls),
        (records(hello(name)), .tls), (records(hello(nil)), .tls), (records(hello([])), .tls),
        (records(hello(alpn(["h2"]))), .otherProtocols), (records(hello(alpn(["h2"]) + name)), .otherProtocols),
        (records(hello(name + alpn(["http/1.0", "spdy/3", "http/1.11"]))), .otherProtocols),
        // In more records than one, as a message may be that fits one (RFC 8446 §5.1).
        (records(hello(name + alpn(["h2"])), of: 1), .otherProtocols),
        (records(hello(name + alpn(["h2", "http/1.1"])), of: 40), .tls),
        // What is none is for TLS to refuse.
        (records(hello(alpn([]))), .tls), (records(hello(`extension`(16, [0]))), .tls),
        (records([1] + vector([3, 3, 0], 3)), .tls), (records([2] + vector([], 3)), .tls),
        ([0x80, 0x2E, 1, 3, 1], .tls),
        ([0], .tls), ([21, 3, 3, 0, 2, 2, 0], .tls), ([22, 3, 1, 0, 0], .tls), ([22, 3, 1, 0x40, 1], .tls),
        (records([1, 0xFF, 0xFF, 0xFF]), .tls), (records(Array(hello(name).prefix(50))) + [23, 3, 3, 0, 1, 0], .tls),
        (Array("\r\nGET / HTTP/1.1\r\n\r\n".utf8), .tls),
        // A request.
        (Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), .plainRequest), (Array("P".utf8), .plainRequest),
        (Array("get / HTTP/1.1\r\n\r\n".utf8), .plainRequest),
        (Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8), .plainRequest),
        // More is to come.
        ([], nil), ([22], nil), ([22, 3, 1, 0], nil), (records(Array(hello(name).prefix(3))), nil),
        (Array(records(hello(alpn(["h2"]))).dropLast()), nil),
    ]

    private func kind(of pieces: [ArraySlice<UInt8>]) -> Kind? {
        var opening = ConnectionOpening()
        for piece in pieces {
            if let kind = opening.onBytes(piece) { return kind }
        }
        return nil
    }

    @Test(arguments: samples) func isToldApart(bytes: [UInt8], expected: Kind?) {
        #expect(kind(of: [bytes[...]]) == expected)
    }

    @Test(arguments: samples) func noSplitMakesADifference(bytes: [UInt8], expected: Kind?) {
        #expect(kind(of: bytes.indices.map { bytes[$0...$0] }) == expected, "byte by byte")
        for place in 0...bytes.count {
            #expect(kind(of: [bytes[..<place], bytes[place...]]) == expected, "split at \(place)")
        }
    }

    @Test func whatCameIsKeptForTLS() {
        let bytes = Self.records(Self.hello(Self.name)) + [22, 3, 3, 0, 1, 5]
        var opening = ConnectionOpening()
        #expect(opening.onBytes(bytes.prefix(30)) == nil)
        #expect(opening.onBytes(bytes.dropFirst(30)) == .tls)
        #expect(opening.bytes == bytes)
    }

    @Test func noMoreIsKeptThanAFirstMessageHas() {
        // It says that it is as long as one may be, and never ends.
        var opening = ConnectionOpening()
        var kinds = [opening.onBytes([22, 3, 1, 0, 4, 1, 0, 0x50, 0])]
        while kinds.last == .some(nil), kinds.count < 10_000 { kinds.append(opening.onBytes([22, 3, 1, 0, 1, 0])) }
        #expect(kinds.last == .some(.tls))
        #expect(opening.bytes.count <= ConnectionOpening.limit + 6)
    }
}
