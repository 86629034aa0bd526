/// Feeds what libFuzzer thinks of to a `ResponseReader`, whole and split in two: neither may crash or hang, and both give
/// the same. The first byte says where the split is, and whether the request was HEAD; one that was not is looked at as one
/// that offers an upgrade, too.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzResponses(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    guard let choice = bytes.first else { return 0 }
    let message = bytes.dropFirst()
    let place = message.startIndex + Int(choice >> 1) % (message.count + 1)
    // Small bounds, so that they are reached.
    let limits = HeadLimits(bytes: 512, fields: 8)
    let isHead = choice & 1 == 1
    for upgrade in isHead ? [nil] : [nil, "x"] {
        let whole = FedResponse([message], isHeadRequest: isHead, upgrade: upgrade, limits: limits)
        let split = FedResponse(
            [message[..<place], message[place...]], isHeadRequest: isHead, upgrade: upgrade, limits: limits)
        precondition(whole == split, "a split at \(place) makes a difference")
    }
    return 0
}
