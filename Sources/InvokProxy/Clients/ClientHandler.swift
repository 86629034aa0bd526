import HTTPTypes
import Invok
import NIOCore

/// The driver of a client's connection: hands bytes and events to a `ClientConnectionMachine`, and does what it says.
///
/// Used on the connection's event loop only.
final class ClientHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let connections: Connections
    private let handlers: HTTPServer.Handlers
    private let take: @Sendable (ClientExchange) -> Void
    private let lingerTime: TimeAmount
    private let limits: ClientLimits
    private let eventLoop: any EventLoop
    private var machine: ClientConnectionMachine
    private var deadlines: ClientDeadlines
    private var timer: Scheduled<Void>?
    private var timerDeadline = Duration.zero
    private var lingerTimer: Scheduled<Void>?
    private var context: ChannelHandlerContext?

    /// Who waits for the next bytes of the body, and those that came while nobody did.
    private var bodyReader: EventLoopPromise<[UInt8]?>?
    private var keptBody: [UInt8]?
    /// Who waits until the client takes more of the answer.
    private var writer: EventLoopPromise<Void>?
    private var onGone: [@Sendable () -> Void] = []
    private var onInputEnd: [@Sendable () -> Void] = []

    init(
        on eventLoop: any EventLoop, configuration: HTTPServer.Configuration, connections: Connections,
        _ handlers: HTTPServer.Handlers, _ take: @escaping @Sendable (ClientExchange) -> Void
    ) {
        self.eventLoop = eventLoop
        self.connections = connections
        self.handlers = handlers
        self.take = take
        lingerTime = configuration.lingerTime
        limits = configuration.limits
        machine = ClientConnectionMachine(
            limits: HeadLimits(bytes: configuration.headBytes, fields: configuration.headFields),
            lingerBytes: configuration.lingerBytes)
        deadlines = ClientDeadlines(configuration.limits, now: Self.now)
    }

    private static var now: Duration { .nanoseconds(NIODeadline.now().uptimeNanoseconds) }

    // MARK: What the channel says

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        connections.closed(context.channel)
        timer?.cancel()
        lingerTimer?.cancel()
        (timer, lingerTimer, self.context) = (nil, nil, nil)
    }

    func channelActive(context: ChannelHandlerContext) {
        let (handler, eventLoop) = (NIOLoopBound(self, eventLoop: eventLoop), eventLoop)
        let isAdmitted = connections.open(context.channel) { eventLoop.execute { handler.value.quiesce() } }
        guard isAdmitted else { return context.close(promise: nil) }
        arm()
        read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        deadlines.onBytes(now: Self.now)
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
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { writer.take()?.succeed() }
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

    func close() { context?.close(promise: nil) }

    func writeHead(_ head: HTTPResponse) -> EventLoopFuture<Void> {
        let fields = head.headerFields.lazy.map { (name: $0.name.rawName, value: $0.value) }
        return write(
            machine.onAnswerHead(status: head.status.code, reason: head.status.reasonPhrase, fields: fields))
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

    func quiesce() { perform(machine.onQuiesce()) }

    // MARK: Inside

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

    private func read() {
        guard let context, machine.wantsRead else { return }
        deadlines.onRead(now: Self.now)
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
            let peer = context.channel.remoteAddress?.ipAddress ?? "unknown"
            let exchange = ClientExchange(head, of: peer, on: self, context.eventLoop)
            // Only for a body does it matter whose the request is.
            deadlines.onHead(
                exchange.isEmpty ? limits : handlers.limits(exchange.request, peer), waits: head.expectsContinue)
            connections.setIdle(false, context.channel)
            take(exchange)
        case .refuse(let fault):
            let (head, body) = handlers.refusal(fault)
            perform(
                machine.onRefusal(
                    status: head.status.code, reason: head.status.reasonPhrase,
                    fields: head.headerFields.lazy.map { (name: $0.name.rawName, value: $0.value) }, body: body))
        case .body(let bytes):
            deadlines.onBody(bytes.count, now: Self.now)
            if let reader = bodyReader.take() { reader.succeed(bytes) } else { keptBody = bytes }
        case .bodyEnd: bodyReader.take()?.succeed(nil)
        case .bodyBroken: bodyReader.take()?.fail(ChannelError.eof)
        case .requestEnd: deadlines.onEnd(now: Self.now)
        case .send(let bytes): context.write(Self.wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        case .interim(let bytes):
            deadlines.onContinue(now: Self.now)
            context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        case .answerEnd: if deadlines.onAnswered(now: Self.now) { connections.setIdle(true, context.channel) }
        case .inputEnd: tellInputEnd()
        case .closeOutput:
            context.flush()
            context.close(mode: .output, promise: nil)
        case .close:
            context.flush()
            context.close(promise: nil)
        }
    }

    private func tellInputEnd() {
        for tell in onInputEnd { tell() }
        onInputEnd = []
    }

    /// A timer that is set and comes early sets itself again, which is cheaper than setting it anew for each part.
    private func arm() {
        guard let context, let deadline = deadlines.deadline else { return }
        if timer != nil, timerDeadline <= deadline { return }
        timer?.cancel()
        timerDeadline = deadline
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(deadline - Self.now)) { [weak self] in
            self?.look()
        }
    }

    private func look() {
        timer = nil
        guard let context, let deadline = deadlines.deadline else { return }
        if deadline <= Self.now { context.close(promise: nil) } else { arm() }
    }
}
