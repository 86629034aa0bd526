/// Writes a request as an instance reads it (RFC 9112 §3, §7.1). What it is given is checked: a name is a token, and
/// neither a value nor the target has a character that would end a line.
struct RequestWriter: Sendable {
    /// How the body is framed: with its length, in chunks where that is not known, not at all where there is none.
    enum Framing: Hashable, Sendable {
        case none
        case length(Int)
        case chunked
    }

    let framing: Framing
    /// The protocols that it offers to go on in.
    let upgrade: [UInt8]?
    /// From the first line to the empty one.
    let head: [UInt8]

    /// - Parameters:
    ///   - fields: all but those of the framing, which are written by `framing`.
    ///   - declaresNothing: whether a request without a body says that its length is 0, as one that might have one does.
    ///   - upgrade: the protocols that it offers to go on in.
    init(
        method: String, target: String, fields: some Sequence<(name: String, value: String)>, framing: Framing,
        declaresNothing: Bool, upgrade: [UInt8]? = nil
    ) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        bytes.appendLine(method, " ", target, " HTTP/1.1")
        for field in fields { bytes.appendLine(field.name, ": ", field.value) }
        self.init(framing: framing, lines: bytes, declaresNothing: declaresNothing, upgrade: upgrade)
    }

    /// - Parameter lines: all of the head but the fields of the framing and of the connection.
    init(framing: Framing, lines: consuming [UInt8], declaresNothing: Bool, upgrade: [UInt8]?) {
        self.framing = framing
        self.upgrade = upgrade
        var bytes = consume lines
        if let upgrade {
            bytes.appendLine("connection: upgrade")
            bytes.appendField(Array("upgrade".utf8)[...], upgrade[...])
        }
        switch framing {
        case .none: if declaresNothing { bytes.appendLine("content-length: 0") }
        case .length(let count): bytes.appendLine("content-length: ", String(count))
        case .chunked: bytes.appendLine("transfer-encoding: chunked")
        }
        bytes.appendLine()
        head = bytes
    }

    /// Bytes of the body as they are sent; none for none, since an empty chunk would be the last.
    func body(_ bytes: [UInt8]) -> [UInt8] {
        framing == .chunked && !bytes.isEmpty ? ChunkedCoding.chunk(bytes) : bytes
    }

    /// What ends the body.
    var end: [UInt8] { framing == .chunked ? ChunkedCoding.end() : [] }
}
