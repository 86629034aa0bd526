import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Sent down a channel: wants to know when the client goes away before the answer to the present request has ended.
struct ClientWatch: Sendable {
    let onGone: @Sendable () -> Void
}

/// Notices that a client has gone while nothing is read from it or written to it.
///
/// A client that has ended its sending may have gone or may still read: both look alike here. An interim answer, which
/// every client passes over (RFC 9110 §15.2), tells them apart: the system of one that has gone answers by a reset.
final class ClientWatchHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private var watch: ClientWatch?
    private var hasAnswerBegun = false
    private var isInputClosed = false

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let watch = event as? ClientWatch else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        self.watch = watch
        if context.channel.isActive { probe(context) } else { tell() }
        promise?.succeed()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            isInputClosed = true
            probe(context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        tell()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { tell() }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch Self.unwrapOutboundIn(data) {
        case .head(let head): hasAnswerBegun = head.status.kind != .informational
        case .body: break
        case .end:
            hasAnswerBegun = false
            watch = nil
        }
        context.write(data, promise: promise)
    }

    private func probe(_ context: ChannelHandlerContext) {
        guard isInputClosed, watch != nil, !hasAnswerBegun else { return }
        context.writeAndFlush(Self.wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }

    private func tell() { watch.take()?.onGone() }
}
