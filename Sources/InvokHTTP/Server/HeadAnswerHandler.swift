import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Keeps answers to HEAD free of bytes behind their head. NIO's encoder does not know the method, and would end an
/// answer without a length by an empty chunk, which the client would take for the beginning of the next answer.
final class HeadAnswerHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// For each request that is not yet answered, whether it is a HEAD.
    private var isHead = CircularBuffer<Bool>(initialCapacity: 2)

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let request) = Self.unwrapInboundIn(data) { isHead.append(request.method == .head) }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let drops: Bool
        switch Self.unwrapOutboundIn(data) {
        case .head: drops = false
        case .body: drops = isHead.first ?? false
        case .end: drops = isHead.popFirst() ?? false
        }
        if drops { promise?.succeed() } else { context.write(data, promise: promise) }
    }
}
