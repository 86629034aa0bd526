import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Counts a connection among the others, and closes it when its client keeps the server waiting: what to close and when, the
/// table and the deadlines say.
final class RequestDeadlineHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let connections: Connections
    /// The limits of a request's body, from its head and the peer's address.
    private let limits: @Sendable (HTTPRequest, String) -> ClientLimits
    private var deadlines: ClientDeadlines
    private var timer: Scheduled<Void>?
    private var timerDeadline = Duration.zero
    private var context: ChannelHandlerContext?
    private var isCounted = false

    init(
        connections: Connections, initial: ClientLimits,
        limits: @escaping @Sendable (HTTPRequest, String) -> ClientLimits
    ) {
        self.connections = connections
        self.limits = limits
        deadlines = ClientDeadlines(initial, now: Self.now)
    }

    private static var now: Duration { .nanoseconds(NIODeadline.now().uptimeNanoseconds) }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { open(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        open(context)
        context.fireChannelActive()
    }

    private func open(_ context: ChannelHandlerContext) {
        guard !isCounted else { return }
        isCounted = true
        guard connections.open(context.channel) else { return context.close(promise: nil) }
        arm(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        connections.closed(context.channel)
        timer?.cancel()
        timer = nil
        self.context = nil
    }

    /// Bytes have come, whatever they are.
    func bytesCame() {
        deadlines.onBytes(now: Self.now)
        if let context { arm(context) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head):
            let peer = context.channel.remoteAddress?.ipAddress ?? "unknown"
            deadlines.onHead(limits(head, peer), waits: head.headerFields[.expect] != nil)
            connections.setIdle(false, context.channel)
        case .body(let buffer): deadlines.onBody(buffer.readableBytes, now: Self.now)
        case .end: deadlines.onEnd(now: Self.now)
        }
        arm(context)
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        deadlines.onRead(now: Self.now)
        arm(context)
        context.read()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch Self.unwrapOutboundIn(data) {
        case .head(let head) where head.status.kind == .informational: deadlines.onContinue(now: Self.now)
        case .end: if deadlines.onAnswered(now: Self.now) { connections.setIdle(true, context.channel) }
        default: break
        }
        arm(context)
        context.write(data, promise: promise)
    }

    /// A timer that is set and comes early sets itself again, which is cheaper than setting it anew for each part.
    private func arm(_ context: ChannelHandlerContext) {
        guard let deadline = deadlines.deadline else { return }
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
        if deadline <= Self.now { context.close(promise: nil) } else { arm(context) }
    }
}
