/// Writes the answer to one request as its client reads it (RFC 9112 §4, §6, §7, §9.3).
///
/// - No bytes follow the head of an answer to HEAD or of a 204 or 304: a client would take them for the next answer.
/// - A client of HTTP/1.0 gets no chunks and no interim answers.
/// - Whether the connection may carry another exchange is said in the head, and by what the body turns out to be.
struct AnswerWriter: Sendable {
    private enum Framing: Hashable, Sendable {
        case none
        /// So many bytes are left.
        case length(Int)
        case chunked
        case untilEnd
    }

    private let isHeadRequest: Bool
    private let isHTTP10: Bool
    private var framing = Framing.none
    /// Whether the connection stays open behind the answer.
    private(set) var keepsAlive: Bool
    private(set) var hasHead = false
    private(set) var hasEnded = false
    private var isTunnel = false

    init(to request: RequestHead) {
        isHeadRequest = request.isHead
        isHTTP10 = request.isHTTP10
        // What follows a request for an upgrade that is not taken need not be HTTP.
        keepsAlive = request.keepsAlive && !request.asksForUpgrade
    }

    /// For what is no request.
    init() { (isHeadRequest, isHTTP10, keepsAlive) = (false, false, false) }

    /// The connection ends after this answer.
    mutating func closeBehind() { keepsAlive = false }

    /// An interim answer (RFC 9110 §15.2); nothing for a client that knows none, or once the answer has begun.
    func interim() -> [UInt8] { isHTTP10 || hasHead ? [] : Array("HTTP/1.1 100 Continue\r\n\r\n".utf8) }

    /// The beginning of the next chunk's size, which may have zeros before it (RFC 9112 §7.1): bytes that change nothing in an
    /// answer that has begun. Nothing where none may be sent.
    func leadingZero() -> [UInt8] { hasHead && !hasEnded && framing == .chunked ? [UInt8(ascii: "0")] : [] }

    /// What concerns the connection, which the writer says itself.
    private static let connectionFields = FieldNames([
        "connection", "keep-alive", "transfer-encoding", "proxy-connection", "upgrade",
    ])

    /// - Parameters:
    ///   - status: a final one.
    ///   - fields: those that concern the connection are not taken; without a length the body is sent in chunks.
    ///   - added: whole lines besides.
    mutating func head(
        status: Int, reason: ArraySlice<UInt8>,
        fields: some Sequence<(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)>, added: [UInt8] = []
    ) -> [UInt8] {
        guard !hasHead else { return [] }
        hasHead = true
        var bytes = startLine(status: status, reason: reason)
        var length: Int?
        for (name, value) in fields {
            if Characters.areEqual(name, "content-length") {
                length = length ?? Characters.number(value)
            } else if !Self.connectionFields.contains(name) {
                bytes.appendField(name, value)
            }
        }
        bytes.append(contentsOf: added)
        let hasBody = !isHeadRequest && status != 204 && status != 304
        switch (length, status) {
        // It has no length, and one of 0 would be that of what is not sent.
        case (_, 204): break
        case (let length?, _):
            bytes.append(contentsOf: "content-length: ".utf8)
            bytes.appendDecimal(length)
            bytes.appendLine()
        case (nil, 304): break
        // Only the end of the connection tells an old client where such an answer ends.
        case (nil, _) where isHTTP10: if hasBody { keepsAlive = false }
        default: bytes.appendLine("transfer-encoding: chunked")
        }
        framing = !hasBody ? .none : length.map { .length($0) } ?? (isHTTP10 ? .untilEnd : .chunked)
        if !keepsAlive {
            bytes.appendLine("connection: close")
        } else if isHTTP10 {
            bytes.appendLine("connection: keep-alive")
        }
        bytes.appendLine()
        return bytes
    }

    /// The head behind which the connection goes on in another protocol (RFC 9110 §15.2.2): the body is sent as it is, to
    /// its end.
    /// - Parameter fields: as for `head`, but for `Upgrade`, which says in what protocol.
    mutating func upgrade(
        reason: ArraySlice<UInt8>, fields: some Sequence<(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)>,
        added: [UInt8]
    ) -> [UInt8] {
        guard !hasHead else { return [] }
        hasHead = true
        isTunnel = true
        keepsAlive = false
        framing = .untilEnd
        var bytes = startLine(status: 101, reason: reason)
        for (name, value) in fields {
            let isKept = !Self.connectionFields.contains(name) && !Characters.areEqual(name, "content-length")
            if isKept || Characters.areEqual(name, "upgrade") { bytes.appendField(name, value) }
        }
        bytes.append(contentsOf: added)
        bytes.appendLine("connection: upgrade")
        bytes.appendLine()
        return bytes
    }

    private func startLine(status: Int, reason: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        bytes.append(contentsOf: (isHTTP10 ? "HTTP/1.0 " : "HTTP/1.1 ").utf8)
        bytes.appendDecimal(status)
        bytes.append(Characters.space)
        bytes.appendLine(reason)
        return bytes
    }

    /// Whether an answer goes on whose end only that of the connection tells (RFC 9112 §8).
    var endsWithConnection: Bool { if case .untilEnd = framing { !hasEnded && !isTunnel } else { false } }

    /// How so many bytes of the body are sent. More than the head has said are not.
    mutating func frame(_ count: Int) -> BodyFrame {
        guard count > 0, hasHead, !hasEnded else { return BodyFrame(count: 0) }
        switch framing {
        case .none: return BodyFrame(count: 0)
        case .untilEnd: return BodyFrame(count: count)
        case .length(let left):
            framing = .length(max(0, left - count))
            if count > left { keepsAlive = false }
            return BodyFrame(count: min(count, left))
        case .chunked: return ChunkedCoding.frame(count)
        }
    }

    /// Bytes of the body, as they are sent.
    mutating func body(_ bytes: [UInt8]) -> [UInt8] {
        let frame = frame(bytes.count)
        return frame.before + bytes.prefix(frame.count) + frame.behind
    }

    /// What ends the answer.
    /// - Returns: `nil` when it is not whole: fewer bytes came than the head has said.
    mutating func end(trailers: [(name: String, value: String)]) -> [UInt8]? {
        guard hasHead, !hasEnded else { return [] }
        hasEnded = true
        switch framing {
        case .none, .untilEnd, .length(0): return []
        case .length: return nil
        case .chunked: return ChunkedCoding.end(trailers: trailers)
        }
    }

    /// A short answer, from its head to its end.
    mutating func whole(
        status: Int, reason: String, fields: some Sequence<(name: String, value: String)>, body: [UInt8]
    ) -> [UInt8] {
        let head = head(status: status, reason: Array(reason.utf8)[...], fields: fields.bytes)
        return head + self.body(body) + (end(trailers: []) ?? [])
    }
}
