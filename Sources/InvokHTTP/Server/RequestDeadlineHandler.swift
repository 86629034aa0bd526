import NIOCore
import NIOHTTPTypes

/// Closes a connection whose client keeps the server waiting: for the head of a request, also of the next one on an idle
/// connection, or for more of a body while somebody reads it. A client may take its time to read, and a function to
/// answer; those are bounded elsewhere.
final class RequestDeadlineHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let headTimeout: TimeAmount
    private let bodyTimeout: TimeAmount
    /// `nil` while nobody waits for the client.
    private var deadline: NIODeadline?
    private var timer: Scheduled<Void>?
    private var isReadingBody = false
    private var unanswered = 0

    init(headTimeout: TimeAmount, bodyTimeout: TimeAmount) {
        self.headTimeout = headTimeout
        self.bodyTimeout = bodyTimeout
    }

    func handlerAdded(context: ChannelHandlerContext) { expect(within: headTimeout, context) }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        deadline = nil
        switch Self.unwrapInboundIn(data) {
        case .head:
            isReadingBody = true
            unanswered += 1
        case .body: break
        case .end:
            isReadingBody = false
            if unanswered == 0 { expect(within: headTimeout, context) }
        }
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        if isReadingBody, deadline == nil { expect(within: bodyTimeout, context) }
        context.read()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = Self.unwrapOutboundIn(data) {
            unanswered -= 1
            if unanswered == 0, !isReadingBody { expect(within: headTimeout, context) }
        }
        context.write(data, promise: promise)
    }

    private func expect(within time: TimeAmount, _ context: ChannelHandlerContext) {
        let deadline = NIODeadline.now() + time
        self.deadline = deadline
        // A timer that is set runs earlier or at the same time and sets itself again.
        if timer == nil { schedule(at: deadline, context) }
    }

    private func schedule(at deadline: NIODeadline, _ context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [weak self] in
            guard let self else { return }
            self.timer = nil
            guard let deadline = self.deadline else { return }
            if deadline <= .now() { context.close(promise: nil) } else { self.schedule(at: deadline, context) }
        }
    }
}
