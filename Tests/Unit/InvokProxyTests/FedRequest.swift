#if canImport(InvokProxy)
    @testable import InvokProxy
#endif

/// What a `RequestReader` makes of pieces that come one after the other. For tests, and for the fuzzer, which compiles it
/// with the sources.
enum FedRequest: Hashable, Sendable {
    /// The first line's method and target, the host, the body, and whether the connection may carry another request.
    case request(String, String, host: String?, body: [UInt8], keepsAlive: Bool)
    case fault(MessageFault)
    /// More is needed.
    case part

    init(_ pieces: [ArraySlice<UInt8>], limits: HeadLimits = HeadLimits()) {
        var reader = RequestReader(limits: limits)
        var (head, body) = (RequestHead?.none, [UInt8]())
        do throws(MessageFault) {
            let needsMore = try FedBytes.feed(pieces) { bytes throws(MessageFault) in
                try reader.next(bytes)
            } take: { part, pending in
                switch part {
                case .head(let new): head = new
                case .body(let count):
                    body += pending.prefix(count)
                    pending.removeFirst(count)
                case .end: return false
                }
                return true
            }
            guard !needsMore, let head else {
                self = .part
                return
            }
            func text(_ range: Range<Int>) -> String { String(decoding: head.head.bytes[range], as: UTF8.self) }
            self = .request(
                text(head.method), text(head.target), host: head.host.map(text), body: body,
                keepsAlive: head.keepsAlive)
        } catch {
            self = .fault(error)
        }
    }
}
