import HTTPTypes
import Invok
import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The driver of a client's connection: hands bytes and events to a `ClientConnectionMachine`, and does what it says.
///
/// Used on the connection's event loop only.
final class ClientHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let connections: Connections
    private let handlers: HTTPServer.Handlers
    private let take: @Sendable (ClientExchange) -> Void
    /// Connections to instances, for what is answered here.
    private let instances: ConnectionPool?
    private let lingerTime: TimeAmount
    private let limits: ClientLimits
    private let eventLoop: any EventLoop
    private var machine: ClientConnectionMachine
    private var deadlines: ClientDeadlines
    private var timer: Scheduled<Void>?
    private var timerDeadline = Duration.zero
    private var lingerTimer: Scheduled<Void>?
    private let output: OutputWatch
    private var hasWritten = false
    /// Whether the system resets the connection when it is closed, by whatever.
    private var resetsOnClose = false
    private var context: ChannelHandlerContext?
    /// What the context says is its channel, which it works out each time.
    private var channel: (any Channel)?
    private var peer = "unknown"
    private var calls: (any DirectCalls)?
    /// The exchange that goes on here, without a task.
    private var direct: DirectExchange?

    /// Who waits for the next bytes of the body, and those that came while nobody did.
    private var bodyReader: EventLoopPromise<[UInt8]?>?
    private var keptBody: [UInt8]?
    /// Who waits until the client takes more of the answer.
    private var writer: EventLoopPromise<Void>?
    private var onGone: [@Sendable () -> Void] = []
    private var onInputEnd: [@Sendable () -> Void] = []

    init(
        on eventLoop: any EventLoop, configuration: HTTPServer.Configuration, connections: Connections,
        _ handlers: HTTPServer.Handlers, instances: ConnectionPool?, output: OutputWatch,
        _ take: @escaping @Sendable (ClientExchange) -> Void
    ) {
        self.instances = instances
        self.eventLoop = eventLoop
        self.connections = connections
        self.handlers = handlers
        self.take = take
        lingerTime = configuration.lingerTime
        limits = configuration.limits
        self.output = output
        machine = ClientConnectionMachine(
            limits: HeadLimits(bytes: configuration.headBytes, fields: configuration.headFields),
            lingerBytes: configuration.lingerBytes)
        deadlines = ClientDeadlines(
            configuration.limits, now: .nanoseconds(eventLoop.now.uptimeNanoseconds))
    }

    private var now: Duration { .nanoseconds(eventLoop.now.uptimeNanoseconds) }

    // MARK: What the channel says

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        channel = context.channel
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        connections.closed(context.channel)
        output.stop()
        timer?.cancel()
        lingerTimer?.cancel()
        (timer, lingerTimer, self.context, channel) = (nil, nil, nil, nil)
    }

    func channelActive(context: ChannelHandlerContext) {
        let (handler, eventLoop) = (NIOLoopBound(self, eventLoop: eventLoop), eventLoop)
        let isAdmitted = connections.open(context.channel) { eventLoop.execute { handler.value.quiesce() } }
        guard isAdmitted else { return context.close(promise: nil) }
        peer = context.channel.remoteAddress?.ipAddress ?? peer
        arm()
        read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        deadlines.onBytes(now: now)
        perform(machine.onBytes(Self.unwrapInboundIn(data).readableBytesView))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.flush()
        read()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent else { return }
        perform(machine.onInputEnd())
    }

    func channelInactive(context: ChannelHandlerContext) {
        _ = machine.onInputEnd()
        bodyReader.take()?.fail(ChannelError.eof)
        writer.take()?.fail(ChannelError.ioOnClosedChannel)
        tellInputEnd()
        for tell in onGone { tell() }
        onGone = []
        direct?.onClientGone(rest: machine.takeRest())
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable else { return }
        writer.take()?.succeed()
        direct?.onClientWritable()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    // MARK: What the exchange asks

    /// The next bytes of the body, or `nil` at its end. One caller at a time.
    func nextBody() -> EventLoopFuture<[UInt8]?> {
        let promise = eventLoop.makePromise(of: [UInt8]?.self)
        guard context?.channel.isActive == true else {
            promise.fail(ChannelError.eof)
            return promise.futureResult
        }
        if let kept = keptBody.take() {
            promise.succeed(kept)
            return promise.futureResult
        }
        bodyReader = promise
        perform(machine.onBodyWanted())
        read()
        return promise.futureResult
    }

    /// Whoever waits for the body does not any more; what comes is kept for who asks next.
    func cancelBody() { bodyReader.take()?.fail(CancellationError()) }

    func watch(onGone tell: @escaping @Sendable () -> Void) {
        guard let context, context.channel.isActive else { return tell() }
        onGone.append(tell)
        perform(machine.onWatch())
    }

    func watch(onInputEnd tell: @escaping @Sendable () -> Void) {
        guard !machine.hasInputEnded, context?.channel.isActive == true else { return tell() }
        onInputEnd.append(tell)
    }

    /// Ends the connection behind what is written: before an answer that breaks off may stand the rest of a whole one. A
    /// tunnel has none before it, and is cut off at once.
    func close() {
        guard let context else { return }
        if machine.isTunnel { context.close(promise: nil) } else { close(.all, context) }
    }

    func writeHead(_ head: HTTPResponse) -> EventLoopFuture<Void> {
        let fields = head.headerFields.lazy.map { (name: $0.name.rawName, value: $0.value) }
        let actions = machine.onAnswerHead(
            status: head.status.code, reason: head.status.reasonPhrase, fields: fields)
        guardEnd()
        return write(actions)
    }

    func writeBody(_ bytes: [UInt8]) -> EventLoopFuture<Void> { write(machine.onAnswerBody(bytes)) }

    func writeEnd(_ trailers: HTTPFields?) -> EventLoopFuture<Void> {
        let trailers = trailers?.map { (name: $0.name.rawName, value: $0.value) } ?? []
        return write(machine.onAnswerEnd(trailers: trailers))
    }

    /// Whoever answers has done so, or will not.
    func done() {
        onGone = []
        onInputEnd = []
        keptBody = nil
        perform(machine.onDone())
        if machine.isDiscarding, let context {
            lingerTimer = context.eventLoop.assumeIsolated().scheduleTask(in: lingerTime) { [weak self] in
                self?.close()
            }
        }
        read()
    }

    // MARK: What a direct exchange asks

    var isOpen: Bool { channel?.isActive == true }

    func readBody() {
        perform(machine.onBodyWanted())
        read()
    }

    /// - Returns: whether the client takes more at once.
    func writeHead(
        _ head: ResponseHead, fields: [(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)], added: [UInt8]
    ) -> Bool {
        perform(
            machine.onAnswerHead(
                status: head.status, reason: head.head.bytes[head.reason], fields: fields, added: added))
        guardEnd()
        return channel?.isWritable ?? false
    }

    func writeBody(_ bytes: ByteBuffer) -> Bool {
        guard let context else { return false }
        let frame = machine.onAnswerBody(count: bytes.readableBytes)
        if !frame.before.isEmpty { write(ByteBuffer(bytes: frame.before), context) }
        if frame.count == bytes.readableBytes {
            write(bytes, context)
        } else if let part = bytes.getSlice(at: bytes.readerIndex, length: frame.count) {
            write(part, context)
        }
        if !frame.behind.isEmpty { write(ByteBuffer(bytes: frame.behind), context) }
        return channel?.isWritable ?? false
    }

    func writeEnd(trailers: [(name: String, value: String)]) { perform(machine.onAnswerEnd(trailers: trailers)) }

    func flush() { context?.flush() }

    /// The exchange has ended.
    func endDirect() {
        direct = nil
        flush()
        done()
    }

    /// The exchange has ended, and its answer cannot.
    func cutOff() {
        direct = nil
        close()
    }

    /// The exchange comes to nothing: a task answers the request.
    func answerElsewhere(_ head: RequestHead, _ earlier: EarlierTry) {
        direct = nil
        take(ClientExchange(head, of: peer, after: earlier, on: self, eventLoop))
    }

    func quiesce() { perform(machine.onQuiesce()) }

    // MARK: Inside

    /// Where only the end of the connection tells that of an answer, its client would take a part for the whole: until then
    /// whatever ends the connection resets it, also the end of this process.
    private func guardEnd() {
        guard machine.endsWithConnection != resetsOnClose else { return }
        resetsOnClose.toggle()
        guard let provider = channel as? any SocketOptionProvider else { return }
        // Where that is no socket of TCP nothing can be done.
        _ = provider.setSoLinger(linger(l_onoff: resetsOnClose ? 1 : 0, l_linger: 0))
    }

    /// Done when the client may be sent more, which is the backpressure.
    private func write(_ actions: [ClientConnectionMachine.Action]) -> EventLoopFuture<Void> {
        guard let context, context.channel.isActive else {
            return eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
        }
        perform(actions)
        context.flush()
        guard !context.channel.isWritable else { return context.eventLoop.makeSucceededVoidFuture() }
        let promise = context.eventLoop.makePromise(of: Void.self)
        writer = promise
        return promise.futureResult
    }

    private func write(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        guard bytes.readableBytes > 0, let channel else { return }
        hasWritten = true
        output.onWrite(bytes.readableBytes, to: channel)
        context.write(Self.wrapOutboundOut(bytes), promise: nil)
    }

    private func read() {
        guard let context, machine.wantsRead else { return }
        deadlines.onRead(now: now)
        arm()
        context.read()
    }

    private func perform(_ actions: [ClientConnectionMachine.Action]) {
        guard let context else { return }
        for action in actions { perform(action, context) }
        if !actions.isEmpty { arm() }
    }

    private func perform(_ action: ClientConnectionMachine.Action, _ context: ChannelHandlerContext) {
        switch action {
        case .begin(let head):
            lingerTimer?.cancel()
            lingerTimer = nil
            if let channel { connections.setIdle(false, channel) }
            begin(head)
        case .refuse(let fault):
            let (head, body) = handlers.refusal(fault)
            perform(
                machine.onRefusal(
                    status: head.status.code, reason: head.status.reasonPhrase,
                    fields: head.headerFields.lazy.map { (name: $0.name.rawName, value: $0.value) }, body: body))
        case .body(let bytes):
            deadlines.onBody(bytes.count, now: now)
            if let direct {
                direct.onBody(bytes)
            } else if let reader = bodyReader.take() {
                reader.succeed(bytes)
            } else {
                keptBody = bytes
            }
        case .bodyEnd: bodyReader.take()?.succeed(nil)
        case .bodyBroken:
            bodyReader.take()?.fail(ChannelError.eof)
            direct?.onClientGone()
        case .requestEnd:
            deadlines.onEnd(now: now)
            direct?.onRequestEnd()
        case .send(let bytes): write(ByteBuffer(bytes: bytes), context)
        case .interim(let bytes):
            deadlines.onContinue(now: now)
            write(ByteBuffer(bytes: bytes), context)
            context.flush()
        case .probe(let bytes):
            write(ByteBuffer(bytes: bytes), context)
            context.flush()
        case .answerEnd:
            guardEnd()
            if deadlines.onAnswered(now: now), let channel { connections.setIdle(true, channel) }
        case .inputEnd: tellInputEnd()
        case .closeOutput: close(.output, context)
        case .close: close(.all, context)
        case .abort:
            context.flush()
            context.close(promise: nil)
        }
    }

    /// Closes behind what is written. Before its handshake is made, TLS takes nothing, and nothing is.
    private func close(_ mode: CloseMode, _ context: ChannelHandlerContext) {
        if hasWritten { context.closeOnceWritten(mode: mode) } else { context.close(mode: mode, promise: nil) }
    }

    private func begin(_ head: RequestHead) {
        // Made with the first request: most connections of somebody hostile never have one.
        if calls == nil, instances != nil { calls = handlers.direct?(peer, eventLoop) }
        if let calls, let instances, let call = calls.call(for: head) {
            deadlines.onHead(limits.of(call.warm.limits), waits: head.expectsContinue)
            let exchange = DirectExchange(head, call, calls, of: self, pool: instances, on: eventLoop)
            direct = exchange
            perform(machine.onWatch())
            return exchange.start()
        }
        let exchange = ClientExchange(head, of: peer, on: self, eventLoop)
        // Only for a body does it matter whose the request is.
        deadlines.onHead(
            exchange.isEmpty ? limits : handlers.limits(exchange.request, peer), waits: head.expectsContinue)
        take(exchange)
    }

    private func tellInputEnd() {
        for tell in onInputEnd { tell() }
        onInputEnd = []
    }

    private var deadline: Duration? {
        guard let other = direct?.deadline else { return deadlines.deadline }
        return deadlines.deadline.map { min($0, other) } ?? other
    }

    /// A timer that is set and comes early sets itself again, which is cheaper than setting it anew for each part.
    func arm() {
        guard let context, let deadline else { return }
        if timer != nil, timerDeadline <= deadline { return }
        timer?.cancel()
        timerDeadline = deadline
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(deadline - now)) { [weak self] in
            self?.look()
        }
    }

    private func look() {
        timer = nil
        direct?.onTime()
        guard let context else { return }
        if let deadline = deadlines.deadline, deadline <= now { context.close(promise: nil) } else { arm() }
    }
}
