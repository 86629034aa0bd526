/// Feeds what libFuzzer thinks of to a `RequestReader` and to a whole `ClientConnectionMachine`, whole and split in two:
/// neither may crash or hang, and both give the same. The first byte says where the split is, and whether bodies are read
/// and upgrades taken.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRequests(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    guard let choice = bytes.first else { return 0 }
    let message = bytes.dropFirst()
    let place = message.startIndex + Int(choice >> 1) % (message.count + 1)
    let pieces = [message[..<place], message[place...]]
    // Small bounds, so that they are reached.
    let limits = HeadLimits(bytes: 512, fields: 8)
    precondition(
        FedRequest([message], limits: limits) == FedRequest(pieces, limits: limits),
        "the reader: a split at \(place) makes a difference")
    precondition(
        ServedConnection([message], limits, readsBodies: choice & 1 == 1)
            == ServedConnection(pieces, limits, readsBodies: choice & 1 == 1),
        "the connection: a split at \(place) makes a difference")
    return 0
}

/// What a connection does whose requests are all answered at once, or are tunnels that end when the client does.
private struct ServedConnection: Equatable {
    /// The first lines of requests, with their bodies where these are read.
    private var requests: [[UInt8]] = []
    private var sent: [UInt8] = []
    private var isClosed = false

    init(_ pieces: [ArraySlice<UInt8>], _ limits: HeadLimits, readsBodies: Bool) {
        var machine = ClientConnectionMachine(limits: limits, lingerBytes: 64)
        for piece in pieces where !isClosed { perform(machine.onBytes(piece), &machine, readsBodies) }
        if !isClosed { perform(machine.onInputEnd(), &machine, readsBodies) }
        precondition(isClosed || !machine.wantsRead, "it waits for what will not come")
    }

    private mutating func perform(
        _ actions: [ClientConnectionMachine.Action], _ machine: inout ClientConnectionMachine, _ readsBodies: Bool
    ) {
        for action in actions where !isClosed {
            switch action {
            case .begin(let head):
                precondition(machine.isBusy)
                requests.append(Array(head.head.bytes[head.method]) + Array(head.head.bytes[head.target]))
                if readsBodies {
                    if head.upgrade != nil {
                        let taken = machine.onAnswerHead(status: 101, reason: "", fields: [("upgrade", "x")])
                        perform(taken, &machine, readsBodies)
                    }
                    perform(machine.onBodyWanted(), &machine, readsBodies)
                } else {
                    answer(&machine, readsBodies)
                }
            case .body(let bytes):
                requests[requests.count - 1] += bytes
                perform(machine.onBodyWanted(), &machine, readsBodies)
            case .bodyEnd, .bodyBroken: answer(&machine, readsBodies)
            case .refuse:
                perform(
                    machine.onRefusal(status: 400, reason: "", fields: [("content-length", "0")], body: []), &machine,
                    readsBodies)
            case .send(let bytes), .interim(let bytes), .probe(let bytes): sent += bytes
            case .close, .abort: isClosed = true
            case .requestEnd, .answerEnd, .inputEnd, .closeOutput: break
            }
        }
    }

    /// A second head, behind that of a tunnel, is none.
    private mutating func answer(_ machine: inout ClientConnectionMachine, _ readsBodies: Bool) {
        let head = machine.onAnswerHead(status: 200, reason: "", fields: [("content-length", "1")])
        perform(head + machine.onAnswerBody([0x78]) + machine.onAnswerEnd(trailers: []), &machine, readsBodies)
        perform(machine.onDone(), &machine, readsBodies)
    }
}
