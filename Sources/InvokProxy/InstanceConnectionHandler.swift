import NIOCore
import NIOHTTP1

/// The last handler of a connection to an instance: keeps the parts of the answer until they are asked for, and reads on
/// only while little is kept, so that a slow client holds the function back.
///
/// Used on the connection's event loop only.
final class InstanceConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    /// More than this many bytes of an answer are kept only when one read from the socket brings them.
    private static let keptBytesLimit = 64 * 1024

    /// Of an answer that nobody waits for, more is not read: what goes on sending learns of it by a closed connection.
    private static let droppedBytesLimit = 64 * 1024

    private var context: ChannelHandlerContext?
    private var parts: [HTTPClientResponsePart] = []
    private var keptBytes = 0
    private var reader: EventLoopPromise<AnswerParts>?
    private var writer: EventLoopPromise<Void>?
    private var failure: (any Error)?
    private var requestEnded = false
    private var hasHead = false
    private var answerEnded = false
    private var keepAlive = false
    private var isAbandoned = false
    private var droppedBytes = 0

    // MARK: What the connection asks

    /// Begins an exchange. Reads from then on: an instance may answer and close before it has the whole request, and
    /// when a write fails of that, NIO delivers only what a read was already asked for.
    func begin() {
        requestEnded = false
        hasHead = false
        answerEnded = false
        keepAlive = false
        readIfRoom()
    }

    /// Sends a part of the request. Done once the system has taken it, or the exchange is over. One caller at a time.
    func write(_ part: HTTPClientRequestPart, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        guard let context, !isAbandoned else {
            promise.fail(ChannelError.ioOnClosedChannel)
            return promise.futureResult
        }
        writer = promise
        // Whoever comes first says how it ended: the channel, or `abandon`.
        context.writeAndFlush(Self.wrapOutboundOut(part)).cascade(to: promise)
        return promise.futureResult
    }

    /// Nobody waits for the exchange any more: ends all waits, and the request. The connection stays open for reading until
    /// the instance has done with it, for only so it can be told when that is.
    func abandon() {
        guard let context, !isAbandoned else { return }
        isAbandoned = true
        fail(ChannelError.eof)
        writer?.fail(ChannelError.eof)
        writer = nil
        let isSending = hasHead && keptBytes > 0
        parts.removeAll()
        keptBytes = 0
        guard !answerEnded, !isSending else { return context.close(promise: nil) }
        context.close(mode: .output, promise: nil)
        context.read()
    }

    /// The whole request has been given to the system.
    func requestDidEnd() { requestEnded = true }

    /// The parts that have come since the last time, at least one. One caller at a time.
    func next(on eventLoop: any EventLoop) -> EventLoopFuture<AnswerParts> {
        let promise = eventLoop.makePromise(of: AnswerParts.self)
        reader = promise
        deliver()
        if reader != nil { readIfRoom() }
        return promise.futureResult
    }

    // MARK: What the channel says

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = Self.unwrapInboundIn(data)
        guard !isAbandoned else { return drop(part, context) }
        switch part {
        case .head(let head):
            hasHead = true
            keepAlive = head.isKeepAlive
        case .body(let buffer): keptBytes += buffer.readableBytes
        case .end: answerEnded = true
        }
        parts.append(part)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        deliver()
        readIfRoom()
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(ChannelError.eof)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(error)
        context.close(promise: nil)
    }

    // MARK: Inside

    /// An instance whose answer had begun before is not computing but sending: its next write shall fail.
    private func drop(_ part: HTTPClientResponsePart, _ context: ChannelHandlerContext) {
        switch part {
        case .head: break
        case .body(let buffer):
            droppedBytes += buffer.readableBytes
            if hasHead || droppedBytes > Self.droppedBytesLimit { context.close(promise: nil) }
        case .end: context.close(promise: nil)
        }
    }

    private func fail(_ error: any Error) {
        if failure == nil { failure = error }
        deliver()
    }

    private func deliver() {
        guard let promise = reader else { return }
        if !parts.isEmpty {
            reader = nil
            let isReusable = answerEnded && requestEnded && keepAlive && failure == nil
            promise.succeed(AnswerParts(parts: parts, isReusable: isReusable))
            parts.removeAll()
            keptBytes = 0
        } else if let failure {
            reader = nil
            promise.fail(failure)
        }
    }

    private func readIfRoom() {
        if keptBytes < Self.keptBytesLimit { context?.read() }
    }
}

/// Parts of an answer in their order.
struct AnswerParts: Sendable {
    let parts: [HTTPClientResponsePart]
    /// Both messages have ended and the connection may carry another exchange.
    let isReusable: Bool
}
