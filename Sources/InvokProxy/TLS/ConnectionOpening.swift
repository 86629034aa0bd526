/// What comes first on a connection on which TLS is expected: clients whom TLS itself would answer by what they do not
/// understand are told apart.
///
/// A machine: how the bytes were split on their way makes no difference.
struct ConnectionOpening: Sendable {
    enum Kind: Hashable, Sendable {
        /// A request in plain text, whose sender takes this for a port without TLS.
        case plainRequest
        /// The client offers protocols by ALPN (RFC 7301 §3.1), and HTTP/1.1 is none of them.
        case otherProtocols
        /// All else is for TLS to judge.
        case tls
    }

    /// No client's first message is longer, in bytes, with what records add to it.
    static let limit = 20 * 1024

    private static let handshakeRecord: UInt8 = 22
    private static let clientHello: UInt8 = 1
    private static let alpn = 16
    private static let recordBytes = 1 << 14

    /// All that has come.
    private(set) var bytes: [UInt8] = []
    /// Where the next record begins.
    private var nextRecord = 0
    /// What the records have brought of the handshake's first message.
    private var message: [UInt8] = []

    /// - Returns: `nil` when more is needed.
    mutating func onBytes(_ new: some Collection<UInt8>) -> Kind? {
        bytes += new
        guard let first = bytes.first else { return nil }
        if Characters.isToken(first), !Characters.isDigit(first) { return .plainRequest }
        guard bytes.count <= Self.limit else { return .tls }
        while let record = bytes[nextRecord...].first {
            // The type, the version and the length, and then the content (RFC 8446 §5.1).
            guard record == Self.handshakeRecord else { return .tls }
            var rest = bytes[nextRecord...].dropFirst(3)
            guard let length = rest.takeNumber(2) else { return nil }
            guard (1...Self.recordBytes).contains(length) else { return .tls }
            guard rest.count >= length else { return nil }
            message += rest.prefix(length)
            nextRecord = rest.startIndex + length
            if let kind = kindOfMessage() { return kind }
        }
        return nil
    }

    private func kindOfMessage() -> Kind? {
        guard message[0] == Self.clientHello else { return .tls }
        var rest = message[1...]
        guard let length = rest.takeNumber(3) else { return nil }
        guard length <= Self.limit else { return .tls }
        guard rest.count >= length else { return nil }
        guard let protocols = Self.protocols(ofHello: rest.prefix(length)) else { return .tls }
        return protocols.contains { $0.elementsEqual(TLSIdentity.applicationProtocol.utf8) } ? .tls : .otherProtocols
    }

    /// The protocols that a ClientHello offers (RFC 8446 §4.1.2).
    /// - Returns: `nil` where it has none, or is none.
    private static func protocols(ofHello hello: ArraySlice<UInt8>) -> [ArraySlice<UInt8>]? {
        // Behind the version and the random bytes stand the session's name, the ciphers and the compressions.
        var rest = hello.dropFirst(2 + 32)
        guard rest.takeVector(1) != nil, rest.takeVector(2) != nil, rest.takeVector(1) != nil,
            var extensions = rest.takeVector(2)
        else { return nil }
        while let type = extensions.takeNumber(2), var content = extensions.takeVector(2) {
            guard type == alpn else { continue }
            guard var names = content.takeVector(2) else { return nil }
            var protocols: [ArraySlice<UInt8>] = []
            while let name = names.takeVector(1) { protocols.append(name) }
            return protocols.isEmpty ? nil : protocols
        }
        return nil
    }
}

extension ArraySlice<UInt8> {
    /// Takes a number of so many bytes, the highest first.
    fileprivate mutating func takeNumber(_ count: Int) -> Int? {
        guard self.count >= count else { return nil }
        defer { removeFirst(count) }
        return prefix(count).reduce(0) { $0 << 8 | Int($1) }
    }

    /// Takes what stands behind its own length, which has so many bytes (RFC 8446 §3.4).
    fileprivate mutating func takeVector(_ lengthBytes: Int) -> ArraySlice<UInt8>? {
        guard let length = takeNumber(lengthBytes), count >= length else { return nil }
        defer { removeFirst(length) }
        return prefix(length)
    }
}
