/// Reads the answer to one request, as the client of an instance.
///
/// A machine: it is given bytes and says what they are. How they were split on their way makes no difference.
package struct ResponseReader: Sendable {
    package enum Part: Hashable, Sendable {
        case head(ResponseHead)
        /// So many bytes behind what was skipped are of the body.
        case body(Int)
        /// With the trailers, and whether the connection may carry another exchange.
        case end(MessageHead?, isReusable: Bool)
    }

    private enum State: Sendable {
        case head(HeadScanner)
        case body(BodyReader)
        case ended
    }

    /// Informational answers before the final one.
    static let informationalLimit = 8

    private let limits: HeadLimits
    private let isHeadRequest: Bool
    /// What the instance was offered to go on in.
    private let upgrade: [UInt8]?
    private var state: State
    private var keepsAlive = false
    private var informational = 0
    /// Whether the instance has taken the upgrade: from then on what it sends is the body, to its end.
    private(set) var isTunnel = false

    /// - Parameters:
    ///   - isHeadRequest: the answer to HEAD has no body, whatever it says (RFC 9112 §6.3).
    ///   - upgrade: the `Upgrade` of the request; `nil` where it has none.
    package init(limits: HeadLimits, isHeadRequest: Bool, upgrade: [UInt8]? = nil) {
        self.limits = limits
        self.isHeadRequest = isHeadRequest
        self.upgrade = upgrade
        state = .head(HeadScanner(limits: limits))
    }

    /// Whether a final answer has begun.
    package var hasHead: Bool { if case .head = state { false } else { true } }

    /// Takes the next part from the beginning of what has come and was not taken yet.
    /// - Returns: how many bytes to skip, and the part behind them, whose bytes are taken too; no part when more is needed,
    ///   and after the end.
    package mutating func next(
        _ bytes: UnsafeRawBufferPointer
    ) throws(MessageFault) -> (skipped: Int, part: Part?) {
        var skipped = 0
        while true {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[skipped...])
            switch state {
            case .head(var scanner):
                // Held once, or each of its changes would copy it.
                state = .ended
                let scanned = try scanner.scan(rest)
                guard let scanned else {
                    state = .head(scanner)
                    return (skipped, nil)
                }
                let head = try ResponseHead(scanned, startLine: scanner.startLine ?? 0..<0)
                skipped += scanned.bytes.count
                if try isFinal(head) { return (skipped, .head(head)) }
                state = .head(HeadScanner(limits: limits))
            case .body(var reader):
                state = .ended
                let (count, part) = try reader.next(rest)
                if case .end(let trailers) = part {
                    return (skipped + count, .end(trailers, isReusable: keepsAlive))
                }
                state = .body(reader)
                guard case .bytes(let bytes) = part else { return (skipped + count, nil) }
                return (skipped + count, .body(bytes))
            case .ended: return (skipped, nil)
            }
        }
    }

    /// The instance sends no more, which ends an answer whose length nothing else tells.
    /// - Throws: `cutOff` where it is not the end of the answer.
    package mutating func end() throws(MessageFault) {
        guard case .body(let reader) = state, reader.mayEnd else { throw .cutOff }
        state = .ended
    }

    /// Goes on to the body of a final answer.
    private mutating func isFinal(_ head: ResponseHead) throws(MessageFault) -> Bool {
        if head.isUpgrade {
            try beginTunnel(head)
            return true
        }
        guard head.status >= 200 else {
            informational += 1
            guard informational <= Self.informationalLimit else { throw .status(head.status) }
            return false
        }
        let framing = try head.framing(isHeadRequest: isHeadRequest)
        keepsAlive = head.keepsAlive && framing != .untilEnd
        state = .body(BodyReader(framing, limits: limits))
        return true
    }

    /// - Throws: where the upgrade was not asked for, or the head says that a body follows, which another reader would see
    ///   in the tunnel (RFC 9110 §8.6, RFC 9112 §6.1).
    private mutating func beginTunnel(_ head: ResponseHead) throws(MessageFault) {
        guard let upgrade, !head.isHTTP10, UpgradeRules.isTaken(head.head.values("upgrade"), of: upgrade) else {
            throw .status(101)
        }
        guard try !head.head.isChunked(isHTTP10: false) else { throw .coding }
        guard try head.head.declaredLength() ?? 0 == 0 else { throw .length }
        isTunnel = true
        state = .body(BodyReader(.untilEnd, limits: limits))
    }
}

/// The head of an answer.
package struct ResponseHead: Hashable, Sendable {
    package let head: MessageHead
    package let status: Int
    let isHTTP10: Bool
    /// The words behind the status, as they came.
    let reason: Range<Int>

    /// Reads the status line (RFC 9112 §4).
    init(_ head: MessageHead, startLine: Range<Int>) throws(MessageFault) {
        self.head = head
        let line = head.bytes[startLine]
        let digits = line.dropFirst(9)
        guard line.count >= 12, line.starts(with: "HTTP/".utf8) else { throw .startLine }
        let version = line.dropFirst(5).prefix(4)
        isHTTP10 = version.elementsEqual("1.0 ".utf8)
        guard isHTTP10 || version.elementsEqual("1.1 ".utf8) else { throw .version }
        guard let status = Characters.number(digits.prefix(3)) else { throw .startLine }
        guard status >= 100 else { throw .status(status) }
        self.status = status
        let rest = digits.dropFirst(3)
        guard rest.isEmpty || rest.first == Characters.space else { throw .startLine }
        let words = rest.dropFirst()
        for byte in words where !Characters.isText(byte) {
            throw byte == Characters.cr ? .lineEnd : .startLine
        }
        reason = words.startIndex..<words.endIndex
    }

    /// How long the body is (RFC 9112 §6.3). What one reader would take for a length and another would not is a fault,
    /// for a status and a method that have no body too.
    func framing(isHeadRequest: Bool) throws(MessageFault) -> BodyReader.Framing {
        let isChunked = try head.isChunked(isHTTP10: isHTTP10)
        let length = try head.declaredLength()
        if isHeadRequest || status == 204 || status == 304 { return .length(0) }
        if isChunked { return .chunked }
        return length.map { .length($0) } ?? .untilEnd
    }

    var keepsAlive: Bool { head.keepsAlive(isHTTP10: isHTTP10) }

    /// Whether the connection goes on in another protocol (RFC 9110 §15.2.2).
    var isUpgrade: Bool { status == 101 }

    /// The one field of the connection that is then the function's to say.
    var upgradeFields: [(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] {
        head.fields.filter { head.isNamed($0, "upgrade") }.map { (head.name($0), head.value($0)) }
    }
}
