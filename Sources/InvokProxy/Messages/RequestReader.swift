/// Reads one request, as the server of clients.
///
/// A machine: it is given bytes and says what they are. How they were split on their way makes no difference.
package struct RequestReader: Sendable {
    package enum Part: Hashable, Sendable {
        case head(RequestHead)
        /// So many bytes behind what was skipped are of the body.
        case body(Int)
        /// With the trailers.
        case end(MessageHead?)
    }

    private enum State: Sendable {
        case emptyLines(Int)
        case head(HeadScanner)
        case body(BodyReader)
        case ended
    }

    /// Empty lines before a request, which a client may have sent behind the one before (RFC 9112 §2.2).
    static let emptyLineLimit = 4

    private let limits: HeadLimits
    private var state = State.emptyLines(0)

    package init(limits: HeadLimits) { self.limits = limits }

    /// Whether all of the body has been read, so that the end is next.
    var isAtEnd: Bool { if case .body(let reader) = state { reader.isAtEnd } else { false } }

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
            case .emptyLines(let count):
                guard let first = rest.first else { return (skipped, nil) }
                guard first == Characters.cr else {
                    // Another protocol, such as TLS, is known by its first byte, and need not be waited for.
                    guard Characters.isToken(first) else { throw .startLine }
                    state = .head(HeadScanner(limits: limits))
                    continue
                }
                guard rest.count >= 2 else { return (skipped, nil) }
                guard rest[1] == Characters.lf, count < Self.emptyLineLimit else { throw .startLine }
                skipped += 2
                state = .emptyLines(count + 1)
            case .head(var scanner):
                // Held once, or each of its changes would copy it.
                state = .ended
                guard let scanned = try scanner.scan(rest) else {
                    state = .head(scanner)
                    return (skipped, nil)
                }
                let head = try RequestHead(scanned, startLine: scanner.startLine ?? 0..<0)
                state = .body(BodyReader(head.framing, limits: limits))
                return (skipped + scanned.bytes.count, .head(head))
            case .body(var reader):
                state = .ended
                let (count, part) = try reader.next(rest)
                if case .end(let trailers) = part { return (skipped + count, .end(trailers)) }
                state = .body(reader)
                guard case .bytes(let bytes) = part else { return (skipped + count, nil) }
                return (skipped + count, .body(bytes))
            case .ended: return (skipped, nil)
            }
        }
    }
}

/// The head of a request.
package struct RequestHead: Hashable, Sendable {
    package let head: MessageHead
    package let method: Range<Int>
    /// In origin form, or `*`; of one in absolute form, what stands behind its authority, which is empty for the root.
    package let target: Range<Int>
    /// The authority of a target in absolute form, or else the value of `Host`; `nil` where HTTP/1.0 has none.
    package let host: Range<Int>?
    let isHTTP10: Bool
    let framing: BodyReader.Framing
    /// Whether the client waits for an interim answer before it sends the body (RFC 9110 §10.1.1).
    package let expectsContinue: Bool
    /// Whether the client would go on in another protocol (RFC 9110 §7.8), whether or not it may.
    let asksForUpgrade: Bool
    /// The protocols that a function is offered to go on in; `nil` for none. A request with a body has none, since where the
    /// body ends and the other protocol begins two readers might see differently.
    let upgrade: [UInt8]?

    /// Reads the request line (RFC 9112 §3) and the fields that frame the message or say whose it is.
    init(_ head: MessageHead, startLine: Range<Int>) throws(MessageFault) {
        self.head = head
        let line = head.bytes[startLine]
        let method = line.prefix { Characters.isToken($0) }
        let afterMethod = line[method.endIndex...]
        guard !method.isEmpty, afterMethod.first == Characters.space else { throw .startLine }
        let target = afterMethod.dropFirst().prefix { $0 > 0x20 && $0 != 0x7F }
        let version = line[target.endIndex...]
        guard !target.isEmpty, version.first == Characters.space else {
            throw version.contains(Characters.cr) ? .lineEnd : .startLine
        }
        guard version.dropFirst().starts(with: "HTTP/".utf8) else { throw .startLine }
        isHTTP10 = version.dropFirst(6).elementsEqual("1.0".utf8)
        guard isHTTP10 || version.dropFirst(6).elementsEqual("1.1".utf8) else {
            throw version.contains(Characters.cr) ? .lineEnd : .version
        }
        guard !method.elementsEqual("CONNECT".utf8) else { throw .tunnel }
        self.method = method.startIndex..<method.endIndex
        let authority: Range<Int>?
        (authority, self.target) = try Self.parts(of: target, isOptions: method.elementsEqual("OPTIONS".utf8))
        // RFC 9112 §6.3.
        framing = try head.isChunked(isHTTP10: isHTTP10) ? .chunked : .length(head.declaredLength() ?? 0)
        expectsContinue = try Self.expectsContinue(head, isHTTP10: isHTTP10)
        host = try Self.host(head, authority: authority, isHTTP10: isHTTP10)
        let upgrades = head.values("upgrade")
        asksForUpgrade = !upgrades.isEmpty
        let mayUpgrade =
            asksForUpgrade && !isHTTP10 && framing == .length(0) && !method.elementsEqual("HEAD".utf8)
        upgrade = mayUpgrade ? UpgradeRules.offer(upgrades, connection: head.values("connection")) : nil
    }

    package var keepsAlive: Bool { head.keepsAlive(isHTTP10: isHTTP10) }

    package var isHead: Bool { head.bytes[method].elementsEqual("HEAD".utf8) }

    private static func parts(
        of target: ArraySlice<UInt8>, isOptions: Bool
    ) throws(MessageFault) -> (authority: Range<Int>?, target: Range<Int>) {
        let whole = target.startIndex..<target.endIndex
        if target.first == UInt8(ascii: "/") { return (nil, whole) }
        if target.elementsEqual("*".utf8) {
            guard isOptions else { throw .target }
            return (nil, whole)
        }
        // As clients send it to proxies.
        let scheme = target.prefix { $0 != UInt8(ascii: ":") }
        let isHTTP = ["http", "https"].contains { (name: String) in
            scheme.map { $0 | 0x20 }.elementsEqual(name.utf8)
        }
        guard isHTTP, target[scheme.endIndex...].starts(with: "://".utf8) else { throw .target }
        let rest = target[scheme.endIndex...].dropFirst(3)
        let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
        guard end > rest.startIndex, rest[..<end].allSatisfy(isHostByte) else { throw .host }
        return (rest.startIndex..<end, end..<rest.endIndex)
    }

    private static func expectsContinue(_ head: MessageHead, isHTTP10: Bool) throws(MessageFault) -> Bool {
        let expectations = head.values("expect")
        // HTTP/1.0 does not know the field.
        guard !isHTTP10, !expectations.isEmpty else { return false }
        for value in expectations where !Characters.areEqual(value, "100-continue") { throw .expectation }
        return true
    }

    private static func host(
        _ head: MessageHead, authority: Range<Int>?, isHTTP10: Bool
    ) throws(MessageFault) -> Range<Int>? {
        let hosts = head.fields.filter { head.isNamed($0, "host") }
        // Who else reads a request with two may go by the other one.
        guard hosts.count <= 1, isHTTP10 || hosts.count == 1 else { throw .host }
        if let host = hosts.first {
            guard head.value(host).allSatisfy(isHostByte) else { throw .host }
        }
        return authority ?? hosts.first?.value
    }

    /// The bytes of a name, an address and a port (RFC 3986 §3.2.2, §3.2.3).
    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~%!$&'()*+;=:[]".utf8.contains(byte)
        }
    }
}
