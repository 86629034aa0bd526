import Invok

/// What a request's head must be, beyond what the parser holds it to: that refuses bare LF, folded lines, spaces before
/// a colon, control characters, a second Content-Length, and one beside Transfer-Encoding.
///
/// Pure, for whichever parser gives the head.
enum RequestRules {
    /// The parts of a head that the rules look at.
    struct Head {
        var method: String
        var target: String
        var isHTTP10: Bool
        /// The values of the fields of that name in their order, by its name in lower case.
        var values: (String) -> [String]
    }

    /// - Returns: what to answer instead, before the connection ends; `nil` when nothing is wrong with the head.
    static func fault(in head: Head) -> InvokError? {
        // What follows a CONNECT is a tunnel's (RFC 9110 §9.3.6), and this is no proxy.
        guard head.method != "CONNECT" else {
            return InvokError(.notImplemented, "CONNECT is not served", nextStep: "send the request itself")
        }
        return framingFault(in: head) ?? expectationFault(in: head) ?? hostFault(in: head)
    }

    private static func framingFault(in head: Head) -> InvokError? {
        let codings = head.values("transfer-encoding")
        if !codings.isEmpty {
            // HTTP/1.0 knows no codings: its framing is then in doubt (RFC 9112 §6.1).
            guard !head.isHTTP10 else { return .invalidRequest("HTTP/1.0 has no Transfer-Encoding") }
            guard codings.count == 1, codings[0].lowercased() == "chunked" else {
                return .invalidRequest("the only Transfer-Encoding that is understood is 'chunked'")
            }
        }
        let lengths = head.values("content-length")
        guard lengths.count <= 1, lengths.allSatisfy({ ContentLength.parse($0) != nil }) else {
            return .invalidRequest("the request's Content-Length is no length")
        }
        return nil
    }

    /// RFC 9110 §10.1.1. HTTP/1.0 does not know the field.
    private static func expectationFault(in head: Head) -> InvokError? {
        let expectations = head.values("expect")
        guard !head.isHTTP10, expectations.contains(where: { $0.lowercased() != "100-continue" }) else { return nil }
        return InvokError(
            .expectationFailed, "the only expectation that can be met is '100-continue'",
            nextStep: "send the request without Expect")
    }

    private static func hostFault(in head: Head) -> InvokError? {
        // Who else reads a request with two may go by the other one (RFC 9112 §3.2).
        let hosts = head.values("host")
        guard hosts.count <= 1 else { return .invalidRequest("the request has more than one Host") }
        guard let host = hosts.first else {
            return head.isHTTP10 ? nil : .invalidRequest("the request has no Host")
        }
        return host.utf8.allSatisfy(isHostByte) ? nil : .invalidRequest("the request's Host is not a host's name")
    }

    /// Whether the client would go on in another protocol. None is served, so the request is answered as it is (RFC 9110
    /// §7.8), and the connection ends: what follows need not be HTTP.
    static func asksForUpgrade(_ head: Head) -> Bool { !head.values("upgrade").isEmpty }

    /// Takes apart a target in absolute form, as clients send it to proxies (RFC 9112 §3.2.2).
    /// - Returns: the host, which counts whatever Host says, and the target in origin form; `nil` for any other target.
    static func absoluteForm(_ target: String) -> (host: String, target: String)? {
        guard let colon = target.firstRange(of: "://") else { return nil }
        guard ["http", "https"].contains(target[..<colon.lowerBound].lowercased()) else { return nil }
        let rest = target[colon.upperBound...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let path = String(rest[end...])
        return (String(rest[..<end]), path.hasPrefix("/") ? path : "/" + path)
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
