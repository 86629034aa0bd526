/// A client's connection: which requests come on it, when more of them is read, how their answers are sent, and when it
/// ends.
///
/// A machine: bytes and events in, actions out. One exchange goes on at a time. What a client sends ahead is read as far
/// as one read brings it, and waits.
struct ClientConnectionMachine: Sendable {
    enum Action: Hashable, Sendable {
        /// A request has come; what else there is of it comes when it is asked for.
        case begin(RequestHead)
        /// What came is no request. The driver answers by `onRefusal`.
        case refuse(MessageFault)
        /// The next bytes of the body, which were asked for.
        case body([UInt8])
        case bodyEnd
        /// The body will not come to its end.
        case bodyBroken
        /// The request is whole.
        case requestEnd
        case send([UInt8])
        /// An interim answer, at once.
        case interim([UInt8])
        /// Bytes of the answer by which it is seen whether the client still reads, at once.
        case probe([UInt8])
        /// The answer has been handed to the system.
        case answerEnd
        /// The client has ended its sending.
        case inputEnd
        /// Ends the sending only, once all is sent: a connection that is closed with bytes unread is reset, and the answer
        /// may be lost.
        case closeOutput
        /// Ends the connection, once the system has taken what was sent.
        case close
        /// Ends it at once.
        case abort
    }

    private struct Exchange: Sendable {
        let head: RequestHead
        var writer: AnswerWriter
        var hasRequestEnded = false
        /// Somebody waits for the next bytes of the body.
        var isBodyWanted = false
        var wasBodyWanted = false
        /// Somebody wants to know when the client goes.
        var isWatched = false
        /// The rest of the body is read and dropped: so many bytes at most.
        var discardBytes: Int?
        /// It cannot come to its end.
        var isBodyBroken = false
        /// Whoever answers has done so.
        var isDone = false
        /// An upgrade was taken: the bodies are from now on what comes and what is sent, each to its end.
        var isTunnel = false
    }

    /// Kept of what nobody has asked for, at most, in bytes: a head and what one read brings, of which the driver makes one at a
    /// time. More comes only where the input has ended.
    static let pendingBytes = 128 * 1024
    /// The same in a tunnel, of which nothing may be dropped: more than a system keeps of what was not read.
    static let tunnelBytes = 16 << 20

    private let limits: HeadLimits
    private let lingerBytes: Int
    private var reader: RequestReader
    /// What has come and is not read yet.
    private var pending: ArraySlice<UInt8> = []
    private var exchange: Exchange?
    private(set) var hasInputEnded = false
    private var isQuiescing = false
    /// More came than is kept: what is kept is all that there will be.
    private var isCutOff = false
    /// What came is no request, and is to be answered so.
    private var isRefused = false
    /// Whatever comes is dropped: so many bytes more at most.
    private var lingering: Int?

    init(limits: HeadLimits, lingerBytes: Int) {
        self.limits = limits
        self.lingerBytes = lingerBytes
        reader = RequestReader(limits: limits)
    }

    /// Whether a request is being answered.
    var isBusy: Bool { exchange != nil }
    /// Whether an upgrade was taken.
    var isTunnel: Bool { exchange?.isTunnel ?? false }
    /// Whether an answer goes on whose end only that of the connection tells.
    var endsWithConnection: Bool { exchange?.writer.endsWithConnection ?? false }
    /// Whether the rest of a body is read that nobody wants.
    var isDiscarding: Bool { exchange?.discardBytes != nil }

    /// Whether more shall be read. A body waits in the client's system until it is asked for; behind a whole request one
    /// read more is made, by which it is seen when the client goes.
    var wantsRead: Bool {
        guard !hasInputEnded, !isCutOff, !isRefused else { return false }
        guard lingering == nil, let exchange else { return true }
        if exchange.hasRequestEnded { return pending.isEmpty }
        return !exchange.isBodyBroken && (exchange.isBodyWanted || exchange.discardBytes != nil)
    }

    // MARK: The client

    mutating func onBytes(_ bytes: some Collection<UInt8>) -> [Action] {
        if let left = lingering {
            lingering = left - bytes.count
            return left < bytes.count ? [.abort] : []
        }
        // A client that has ended its sending is read to the end by the system, wanted or not: what is too much is cut off.
        guard !isCutOff, !isRefused else { return [] }
        pending.append(contentsOf: bytes)
        let actions = advance()
        if !wantsRead, pending.count > Self.pendingBytes {
            if exchange?.isTunnel == true { return pending.count > Self.tunnelBytes ? actions + [.abort] : actions }
            pending.removeLast(pending.count - Self.pendingBytes)
            isCutOff = true
        }
        return actions
    }

    /// The client sends no more. It may have gone, or may still read.
    mutating func onInputEnd() -> [Action] {
        guard !hasInputEnded else { return [] }
        hasInputEnded = true
        guard let exchange else { return [.close] }
        // A body may be whole in what has come.
        return [.inputEnd] + (exchange.isWatched ? probe() : []) + (exchange.hasRequestEnded ? [] : advance())
    }

    /// Somebody wants to know when the client goes.
    mutating func onWatch() -> [Action] {
        exchange?.isWatched = true
        return hasInputEnded ? probe() : []
    }

    /// Tells whether a client that has ended its sending still reads: the system of one that has gone answers by a reset.
    /// Before the answer an interim one does that, which every client passes over (RFC 9110 §15.2), and in it a zero before
    /// the size of the next chunk. Where the length of the answer is said, its next bytes tell.
    private func probe() -> [Action] {
        guard let writer = exchange?.writer, writer.hasHead else { return goOn() }
        let zero = writer.leadingZero()
        return zero.isEmpty ? [] : [.probe(zero)]
    }

    private func goOn() -> [Action] {
        guard let interim = exchange?.writer.interim(), !interim.isEmpty else { return [] }
        return [.interim(interim)]
    }

    // MARK: The request

    /// More of the body is wanted. It is answered by `body`, `bodyEnd` or `bodyBroken`, now or later.
    mutating func onBodyWanted() -> [Action] {
        guard let exchange, !exchange.hasRequestEnded else { return [.bodyEnd] }
        guard exchange.isTunnel || !exchange.isBodyBroken && (!hasInputEnded || !pending.isEmpty) else {
            return breakBody()
        }
        self.exchange?.isBodyWanted = true
        // The time to tell a client that waits to go on.
        let isFirst = !exchange.wasBodyWanted && exchange.head.expectsContinue
        self.exchange?.wasBodyWanted = true
        return (isFirst ? goOn() : []) + advance()
    }

    // MARK: The answer

    /// - Parameters:
    ///   - status: 101 where an upgrade is taken, which the request has asked for.
    ///   - added: whole lines besides.
    mutating func onAnswerHead(
        status: Int, reason: ArraySlice<UInt8>,
        fields: some Sequence<(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)>, added: [UInt8] = []
    ) -> [Action] {
        guard exchange != nil else { return [] }
        guard status != 101 else { return beginTunnel(reason: reason, fields: fields, added: added) }
        if isQuiescing || (hasInputEnded && pending.isEmpty) { exchange?.writer.closeBehind() }
        return send(exchange?.writer.head(status: status, reason: reason, fields: fields, added: added) ?? [])
    }

    mutating func onAnswerHead(
        status: Int, reason: String, fields: some Sequence<(name: String, value: String)>
    ) -> [Action] {
        onAnswerHead(status: status, reason: Array(reason.utf8)[...], fields: fields.bytes)
    }

    /// How so many bytes of the answer's body are sent, by the driver itself: it holds them.
    mutating func onAnswerBody(count: Int) -> BodyFrame { exchange?.writer.frame(count) ?? BodyFrame(count: 0) }

    mutating func onAnswerBody(_ bytes: [UInt8]) -> [Action] { send(exchange?.writer.body(bytes) ?? []) }

    mutating func onAnswerEnd(trailers: [(name: String, value: String)]) -> [Action] {
        guard let exchange, !exchange.writer.hasEnded else { return [] }
        guard let bytes = self.exchange?.writer.end(trailers: trailers) else { return [.abort] }
        // The client may go on sending.
        return send(bytes) + [exchange.isTunnel ? .closeOutput : .answerEnd]
    }

    /// Whoever answers has done so, or will not. A part of a body that nobody reads is dropped, so that the client sees the
    /// answer instead of a reset.
    mutating func onDone() -> [Action] {
        guard let exchange else { return [] }
        guard exchange.writer.hasEnded else { return [.abort] }
        guard !exchange.isTunnel else { return endTunnel() }
        self.exchange?.isDone = true
        guard !exchange.hasRequestEnded, !exchange.isBodyBroken else { return endExchange() }
        self.exchange?.discardBytes = lingerBytes
        return hasInputEnded && pending.isEmpty ? [.close] : advance()
    }

    /// The answer to what is no request.
    mutating func onRefusal(
        status: Int, reason: String, fields: some Sequence<(name: String, value: String)>, body: [UInt8]
    ) -> [Action] {
        var writer = AnswerWriter()
        return [.send(writer.whole(status: status, reason: reason, fields: fields, body: body))] + linger()
    }

    /// No more requests are taken: the present one is finished.
    mutating func onQuiesce() -> [Action] {
        isQuiescing = true
        exchange?.writer.closeBehind()
        guard exchange == nil, lingering == nil else { return [] }
        // While the last answer is still being taken, no request is.
        lingering = lingerBytes
        return [.close]
    }

    // MARK: The tunnel

    private mutating func beginTunnel(
        reason: ArraySlice<UInt8>, fields: some Sequence<(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)>,
        added: [UInt8]
    ) -> [Action] {
        // Where something was dropped, it would be missing.
        guard exchange?.head.upgrade != nil, !isCutOff else { return [.abort] }
        exchange?.isTunnel = true
        exchange?.hasRequestEnded = false
        return send(exchange?.writer.upgrade(reason: reason, fields: fields, added: added) ?? [])
    }

    /// What has come, or that no more will.
    private mutating func nextOfTunnel() -> [Action]? {
        guard !pending.isEmpty || hasInputEnded else { return nil }
        exchange?.isBodyWanted = false
        guard pending.isEmpty else { return [.body(takeRest())] }
        exchange?.hasRequestEnded = true
        return [.bodyEnd, .requestEnd]
    }

    /// What a tunnel's client has sent and nobody has asked for yet.
    mutating func takeRest() -> [UInt8] {
        guard exchange?.isTunnel == true else { return [] }
        defer { pending = [] }
        return Array(pending)
    }

    /// Its output has been closed. What the client still sends is for nobody.
    private mutating func endTunnel() -> [Action] {
        pending = []
        exchange = nil
        lingering = lingerBytes
        return [.answerEnd]
    }

    // MARK: Inside

    private func send(_ bytes: [UInt8]) -> [Action] { bytes.isEmpty ? [] : [.send(bytes)] }

    private mutating func breakBody() -> [Action] {
        exchange?.writer.closeBehind()
        exchange?.isBodyWanted = false
        exchange?.isBodyBroken = true
        return [.bodyBroken] + endExchange()
    }

    private mutating func linger() -> [Action] {
        pending = []
        exchange = nil
        isRefused = false
        lingering = lingerBytes
        return hasInputEnded ? [.close] : [.closeOutput]
    }

    /// Goes on behind an exchange of which both messages have ended.
    private mutating func endExchange() -> [Action] {
        guard let exchange, exchange.isDone, exchange.hasRequestEnded || exchange.isBodyBroken else { return [] }
        guard exchange.writer.keepsAlive, !isQuiescing else { return linger() }
        self.exchange = nil
        reader = RequestReader(limits: limits)
        if hasInputEnded, pending.isEmpty { return [.close] }
        return advance()
    }

    /// Reads what has come, as far as somebody wants it.
    private mutating func advance() -> [Action] {
        // What was read from holds on to its memory.
        defer { if pending.isEmpty { pending = [] } }
        var actions: [Action] = []
        do throws(MessageFault) {
            while lingering == nil, wantsPart, let action = try nextPart() {
                actions += action
            }
        } catch {
            if exchange == nil {
                isRefused = true
                pending = []
                actions.append(.refuse(error))
            } else {
                pending = []
                actions += breakBody()
            }
            return actions
        }
        if hasInputEnded || isCutOff, lingering == nil, wantsPart {
            // What has come is not all, and no more will.
            actions += exchange == nil ? [.close] : breakBody()
        }
        return actions
    }

    private var wantsPart: Bool {
        guard let exchange else { return !isRefused }
        return !exchange.hasRequestEnded && (exchange.isBodyWanted || exchange.discardBytes != nil)
    }

    private mutating func nextPart() throws(MessageFault) -> [Action]? {
        if exchange?.isTunnel == true { return nextOfTunnel() }
        let result = pending.withUnsafeBytes { bytes in
            Result { () throws(MessageFault) in try reader.next(bytes) }
        }
        let (skipped, part) = try result.get()
        pending.removeFirst(skipped)
        guard let part else { return nil }
        switch part {
        case .head(let head):
            exchange = Exchange(head: head, writer: AnswerWriter(to: head))
            guard head.framing == .length(0) else { return [.begin(head)] }
            exchange?.hasRequestEnded = true
            return [.begin(head), .requestEnd]
        case .body(let count):
            let bytes = Array(pending.prefix(count))
            pending.removeFirst(count)
            if let left = exchange?.discardBytes {
                exchange?.discardBytes = left - count
                return left < count ? [.abort] : []
            }
            exchange?.isBodyWanted = false
            // Whoever knows the length does not ask for the end.
            guard reader.isAtEnd else { return [.body(bytes)] }
            return [.body(bytes)] + (try nextPart() ?? [])
        case .end:
            let isWanted = exchange?.isBodyWanted == true
            exchange?.hasRequestEnded = true
            exchange?.isBodyWanted = false
            return (isWanted ? [.bodyEnd] : []) + [.requestEnd] + endExchange()
        }
    }
}
