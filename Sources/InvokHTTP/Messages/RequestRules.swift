import NIOHTTP1

/// What a request's head must be, beyond what NIO's parser holds it to: that refuses bare LF, folded lines, spaces before
/// a colon, control characters, a wrong or second Content-Length, and one beside Transfer-Encoding.
enum RequestRules {
    /// - Returns: what is wrong with the head, for its sender; `nil` when nothing is.
    static func fault(in head: HTTPRequestHead) -> String? {
        let codings = head.headers["transfer-encoding"]
        if !codings.isEmpty {
            // HTTP/1.0 knows no codings: its framing is then in doubt (RFC 9112 §6.1).
            guard head.version == .http1_1 else { return "HTTP/1.0 has no Transfer-Encoding" }
            guard codings.count == 1, codings[0].lowercased() == "chunked" else {
                return "the only Transfer-Encoding that is understood is 'chunked'"
            }
        }
        // Who else reads a request with two may go by the other one (RFC 9112 §3.2).
        let hosts = head.headers["host"]
        guard hosts.count <= 1 else { return "the request has more than one Host" }
        guard let host = hosts.first else { return head.version == .http1_0 ? nil : "the request has no Host" }
        return host.utf8.allSatisfy(isHostByte) ? nil : "the request's Host is not a host's name"
    }

    /// Brings a target in absolute form, as clients send it to proxies, into origin form. Its host counts, whatever Host
    /// says (RFC 9112 §3.2.2).
    static func normalizeTarget(of head: inout HTTPRequestHead) {
        guard let colon = head.uri.firstRange(of: "://") else { return }
        guard ["http", "https"].contains(head.uri[..<colon.lowerBound].lowercased()) else { return }
        let rest = head.uri[colon.upperBound...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        head.headers.replaceOrAdd(name: "host", value: String(rest[..<end]))
        let path = String(rest[end...])
        head.uri = path.hasPrefix("/") ? path : "/" + path
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
