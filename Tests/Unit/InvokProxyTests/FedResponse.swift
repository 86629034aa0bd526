#if canImport(InvokProxy)
    @testable import InvokProxy
#endif

/// What a `ResponseReader` makes of pieces that come one after the other, as from a connection that ends behind them. For
/// tests, and for the fuzzer, which compiles it with the sources.
enum FedResponse: Hashable, Sendable {
    /// The status, the body, and whether the connection may carry another exchange; in a tunnel the body is what comes in it.
    case answer(Int, [UInt8], reusable: Bool)
    case fault(MessageFault)

    init(
        _ pieces: [ArraySlice<UInt8>], isHeadRequest: Bool, upgrade: String? = nil, limits: HeadLimits = HeadLimits()
    ) {
        var reader = ResponseReader(
            limits: limits, isHeadRequest: isHeadRequest, upgrade: upgrade.map { Array($0.utf8) })
        var (status, body, isReusable) = (0, [UInt8](), false)
        do throws(MessageFault) {
            let needsMore = try FedBytes.feed(pieces) { bytes throws(MessageFault) in
                try reader.next(bytes)
            } take: { part, pending in
                switch part {
                case .head(let head): status = head.status
                case .body(let count):
                    body += pending.prefix(count)
                    pending.removeFirst(count)
                case .end(_, let mayBeUsedAgain):
                    isReusable = mayBeUsedAgain
                    return false
                }
                return true
            }
            if needsMore { try reader.end() }
            self = .answer(status, body, reusable: isReusable)
        } catch {
            self = .fault(error)
        }
    }
}
