import NIOCore

/// Who takes the parts of an answer as they come, on the connection's event loop.
protocol AnswerReceiver: AnyObject {
    func onAnswer(_ part: AnswerPart)
    /// What one read has brought is all given.
    func onAnswerRead()
    /// No more will come.
    func onAnswerFailed(_ error: any Error)
    /// The system takes more of the request again.
    func onWritable()
}

/// The driver of a connection to an instance: hands what comes to a `ResponseReader`, and reads on only while little is
/// kept, so that a slow client holds the function back. The parts of the answer go to a receiver of the same event loop,
/// or are kept until they are asked for.
///
/// Used on the connection's event loop only.
final class InstanceConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// More than this many bytes of an answer are kept only when one read from the socket brings them.
    private static let keptBytesLimit = 64 * 1024

    /// Of an answer that nobody waits for, more is not read: what goes on sending learns of it by a closed connection.
    private static let droppedBytesLimit = 64 * 1024

    private let limits: HeadLimits
    private var context: ChannelHandlerContext?
    private var channel: (any Channel)?
    /// Reads the answer of the exchange that goes on; `nil` between two.
    private var answerReader: ResponseReader?
    /// What has come and is not read yet: no more than a head or a chunk's line, but while it is being read.
    private var pending = ByteBuffer()
    private var parts: [AnswerPart] = []
    private var keptBytes = 0
    /// Who gets the parts at once.
    private var receiver: (any AnswerReceiver)?
    /// The receiver takes no more for now.
    private var isHeldBack = false
    private var reader: EventLoopPromise<AnswerParts>?
    private var writer: EventLoopPromise<Void>?
    private var failure: (any Error)?
    private var requestEnded = false
    /// Whether bytes besides a head were sent, which the system may not have taken.
    private var hasSentBody = false
    private var answerEnded = false
    private var isReusable = false
    private var isAbandoned = false
    /// Whether the head of the answer came only after it was abandoned.
    private var droppedHead = false
    private var droppedBytes = 0

    init(limits: HeadLimits) { self.limits = limits }

    // MARK: What the connection asks

    /// Begins an exchange. Reads from then on: an instance may answer and close before it has the whole request, and
    /// when a write fails of that, NIO delivers only what a read was already asked for.
    /// - Parameters:
    ///   - upgrade: the protocols that the request offers to go on in.
    ///   - receiver: gets the answer; `nil` for who asks for it.
    func begin(isHeadRequest: Bool, upgrade: [UInt8]?, receiver: (any AnswerReceiver)? = nil) {
        self.receiver = receiver
        isHeldBack = false
        answerReader = ResponseReader(limits: limits, isHeadRequest: isHeadRequest, upgrade: upgrade)
        requestEnded = false
        hasSentBody = false
        answerEnded = false
        isReusable = false
        readIfRoom()
    }

    /// Sends bytes of the request to the system, without waiting for it.
    /// - Returns: whether more may be sent at once.
    func send(_ bytes: ByteBuffer) -> Bool {
        guard let context, !isAbandoned else { return false }
        context.writeAndFlush(Self.wrapOutboundOut(bytes), promise: nil)
        return channel?.isWritable ?? false
    }

    /// The whole request has been given to `send`.
    /// - Parameter hasBody: whether it was more than a head, which the system of a connection that was free takes whole.
    func endRequest(hasBody: Bool) {
        requestEnded = true
        hasSentBody = hasBody
    }

    /// Ends the sending in a tunnel; what comes is still read.
    func endOutput() { context?.closeOnceWritten(mode: .output) }

    /// Closes a tunnel of which both sides have ended their sending.
    func closeTunnel() { context?.closeOnceWritten(mode: .all) }

    /// Whether the connection may carry another exchange: both messages have ended, and the system has all of the request.
    var isClean: Bool {
        guard answerEnded, requestEnded, isReusable, failure == nil else { return false }
        return !hasSentBody || (try? channel?.syncOptions?.getOption(.bufferedWritableBytes)) == 0
    }

    /// Whether the receiver takes no more for now.
    func holdBack(_ isHeldBack: Bool) {
        self.isHeldBack = isHeldBack
        if !isHeldBack { readIfRoom() }
    }

    /// The receiver has what it wanted, or does not want it any more.
    func leave() { receiver = nil }

    /// Sends bytes of the request. Done once the system has taken them, or the exchange is over. One caller at a time.
    /// - Parameter isLast: whether the request ends with them.
    func write(_ bytes: [UInt8], isLast: Bool, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        guard let context, !isAbandoned else {
            promise.fail(ChannelError.ioOnClosedChannel)
            return promise.futureResult
        }
        writer = promise
        if isLast { promise.futureResult.assumeIsolated().whenSuccess { self.requestEnded = true } }
        guard !bytes.isEmpty else {
            promise.succeed()
            return promise.futureResult
        }
        // Whoever comes first says how it ended: the channel, or `abandon`.
        let written = context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(bytes: bytes)))
        // The end of the other side's sending fails it too, and is no error.
        written.assumeIsolated().whenFailure { error in
            if error is IOError, self.failure == nil { self.failure = error }
        }
        written.cascade(to: promise)
        return promise.futureResult
    }

    /// Nobody waits for the exchange any more: ends all waits, and the request. The connection stays open for reading until
    /// the instance has done with it, for only so it can be told when that is. A tunnel is closed: its end is no answer that
    /// the instance would still make.
    func abandon() {
        guard let context, !isAbandoned else { return }
        isAbandoned = true
        receiver = nil
        fail(ChannelError.eof)
        writer?.fail(ChannelError.eof)
        writer = nil
        let isSending = keptBytes > 0 || isHeldBack
        parts.removeAll()
        keptBytes = 0
        guard !answerEnded, !isSending, answerReader?.isTunnel != true else { return context.close(promise: nil) }
        context.close(mode: .output, promise: nil)
        context.read()
    }

    /// The parts that have come since the last time, at least one. One caller at a time.
    func next(on eventLoop: any EventLoop) -> EventLoopFuture<AnswerParts> {
        let promise = eventLoop.makePromise(of: AnswerParts.self)
        reader = promise
        deliver()
        if reader != nil { readIfRoom() }
        return promise.futureResult
    }

    // MARK: What the channel says

    func handlerAdded(context: ChannelHandlerContext) { (self.context, channel) = (context, context.channel) }

    func handlerRemoved(context: ChannelHandlerContext) { (self.context, channel) = (nil, nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Nothing was asked for: whatever it is, it would be taken for the answer to the next request.
        guard answerReader != nil, !answerEnded else { return context.close(promise: nil) }
        let bytes = Self.unwrapInboundIn(data)
        // Seldom is anything left of what came before, and then nothing is copied.
        if pending.readableBytes == 0 { pending = bytes } else { pending.writeImmutableBuffer(bytes) }
        do throws(MessageFault) {
            while let part = try nextPart() { take(part, context) }
            // A buffer that was read from holds on to its memory.
            if pending.readableBytes == 0 { pending = ByteBuffer() } else { pending.discardReadBytes() }
        } catch {
            fail(LimitedFault(fault: error, limits: limits))
            context.close(promise: nil)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        receiver?.onAnswerRead()
        deliver()
        readIfRoom()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { receiver?.onWritable() }
    }

    /// In a tunnel the instance may end its sending alone.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent else { return }
        endAnswer(context)
        receiver?.onAnswerRead()
        deliver()
    }

    func channelInactive(context: ChannelHandlerContext) {
        // Where nothing came, the instance may not have seen the request.
        if answerReader?.hasHead == true || pending.readableBytes > 0 { endAnswer(context) }
        fail(ChannelError.eof)
        context.fireChannelInactive()
    }

    /// Where an answer had begun, its end may be that of the connection.
    private func endAnswer(_ context: ChannelHandlerContext) {
        // The end of a connection that was reset is that of no answer.
        guard !answerEnded, failure == nil else { return }
        do throws(MessageFault) {
            try answerReader?.end()
            take(.end(nil, isReusable: false), context)
        } catch {
            fail(error)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(error)
        context.close(promise: nil)
    }

    // MARK: Inside

    private func nextPart() throws(MessageFault) -> AnswerPart? {
        let result = pending.withUnsafeReadableBytes { bytes in
            Result { () throws(MessageFault) in try answerReader?.next(bytes) }
        }
        guard let (skipped, part) = try result.get() else { return nil }
        pending.moveReaderIndex(forwardBy: skipped)
        switch part {
        case .head(let head):
            if head.isUpgrade { try? channel?.syncOptions?.setOption(.allowRemoteHalfClosure, value: true) }
            return .head(head)
        case .body(let count): return pending.readSlice(length: count).map { .body($0) }
        case .end(let trailers, let isReusable): return .end(trailers, isReusable: isReusable)
        case nil: return nil
        }
    }

    private func take(_ part: AnswerPart, _ context: ChannelHandlerContext) {
        if case .end(_, let mayBeUsedAgain) = part {
            answerEnded = true
            // What comes behind the end was not asked for.
            isReusable = mayBeUsedAgain && pending.readableBytes == 0
        }
        guard !isAbandoned else { return drop(part, context) }
        if let receiver { return receiver.onAnswer(part) }
        if case .body(let buffer) = part { keptBytes += buffer.readableBytes }
        parts.append(part)
    }

    /// An instance whose answer had begun before is not computing but sending: its next write shall fail.
    private func drop(_ part: AnswerPart, _ context: ChannelHandlerContext) {
        switch part {
        case .head: droppedHead = true
        case .body(let buffer):
            droppedBytes += buffer.readableBytes
            if !droppedHead || droppedBytes > Self.droppedBytesLimit { context.close(promise: nil) }
        case .end: context.close(promise: nil)
        }
    }

    private func fail(_ error: any Error) {
        if failure == nil { failure = error }
        let receiver = receiver.take()
        receiver?.onAnswerFailed(error)
        deliver()
    }

    private func deliver() {
        guard let promise = reader else { return }
        if !parts.isEmpty {
            reader = nil
            let isReusable = answerEnded && requestEnded && isReusable && failure == nil
            promise.succeed(AnswerParts(parts: parts, isReusable: isReusable))
            parts.removeAll()
            keptBytes = 0
        } else if let failure {
            reader = nil
            promise.fail(failure)
        }
    }

    private func readIfRoom() {
        if keptBytes < Self.keptBytesLimit, !isHeldBack { context?.read() }
    }
}

/// Parts of an answer in their order.
struct AnswerParts: Sendable {
    let parts: [AnswerPart]
    /// Both messages have ended and the connection may carry another exchange.
    let isReusable: Bool
}

/// A part of an answer.
enum AnswerPart: Sendable {
    case head(ResponseHead)
    case body(ByteBuffer)
    /// With the trailers, and whether the connection may carry another exchange once the request has ended too.
    case end(MessageHead?, isReusable: Bool)
}
