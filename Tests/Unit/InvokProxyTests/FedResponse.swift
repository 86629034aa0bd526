#if canImport(InvokProxy)
    @testable import InvokProxy
#endif

/// What a `ResponseReader` makes of pieces that come one after the other, as from a connection that ends behind them. For
/// tests, and for the fuzzer, which compiles it with the sources.
enum FedResponse: Hashable, Sendable {
    /// The status, the body, and whether the connection may carry another exchange.
    case answer(Int, [UInt8], reusable: Bool)
    case fault(MessageFault)

    init(_ pieces: [ArraySlice<UInt8>], isHeadRequest: Bool, limits: HeadLimits = HeadLimits()) {
        var reader = ResponseReader(limits: limits, isHeadRequest: isHeadRequest)
        var (status, body, pending) = (0, [UInt8](), [UInt8]())
        do throws(MessageFault) {
            for piece in pieces {
                pending += piece
                while true {
                    let (skipped, part) = try pending.withUnsafeBytes { bytes in
                        Result { () throws(MessageFault) in try reader.next(bytes) }
                    }.get()
                    pending.removeFirst(skipped)
                    guard let part else { break }
                    switch part {
                    case .head(let head): status = head.status
                    case .body(let count):
                        body += pending.prefix(count)
                        pending.removeFirst(count)
                    case .end(_, let isReusable):
                        self = .answer(status, body, reusable: isReusable)
                        return
                    }
                }
            }
            try reader.end()
            self = .answer(status, body, reusable: false)
        } catch {
            self = .fault(error)
        }
    }
}
