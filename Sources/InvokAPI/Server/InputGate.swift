import NIOCore

/// The first handler of a connection, before the parser: what is not wanted yet is not read, and what nobody will take is
/// dropped, never stored.
///
/// - It hands bytes on in small pieces, so that one read of many small requests makes few of them at a time.
/// - While requests wait, or the last one is taken and not yet answered, it reads no more.
/// - A parser that takes bytes and makes nothing of them is stopped: its buffer has no bound of its own.
final class InputGate: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Bytes kept, at most, when a client that is not read from ends its sending.
    static let keptBytes = 64 * 1024

    private let onBytes: () -> Void
    private let unparsedLimit: Int
    private let lingerBytes: Int
    private var context: ChannelHandlerContext?
    /// Read, and not yet handed on.
    private var kept = ByteBuffer()
    private var unparsed = 0
    private var dropped = 0
    private var isFeeding = false
    private var isReadWanted = false
    private var hasInputEnded = false

    /// The most bytes to hand on at a time.
    var pieceBytes = 1024
    /// Nothing is handed on and nothing read.
    private(set) var isHolding = false
    /// Whatever comes is dropped.
    private(set) var isDropping = false

    /// - Parameters:
    ///   - unparsedLimit: bytes that the parser may take without making a part of a message of them.
    ///   - lingerBytes: bytes that are dropped before the connection is closed.
    ///   - onBytes: called when bytes come.
    init(unparsedLimit: Int, lingerBytes: Int, onBytes: @escaping () -> Void) {
        self.onBytes = onBytes
        self.unparsedLimit = unparsedLimit
        self.lingerBytes = lingerBytes
    }

    // MARK: What the messages say

    /// The parser has made something of the bytes.
    func parsed() { unparsed = 0 }

    func set(holding: Bool, dropping: Bool) {
        if dropping, !isDropping { kept.clear() }
        let opens = isHolding && !holding
        (isHolding, isDropping) = (holding, dropping)
        // Later, since this may be called from within a write.
        guard opens, let context else { return }
        context.eventLoop.assumeIsolated().execute { [weak self] in self?.goOn() }
    }

    private func goOn() {
        guard let context, !isHolding else { return }
        if kept.readableBytes > 0 {
            feed(context)
            context.fireChannelReadComplete()
        }
        endInput(context)
        guard isReadWanted, mayRead else { return }
        isReadWanted = false
        context.read()
    }

    // MARK: What the channel says

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = Self.unwrapInboundIn(data)
        if isDropping { return drop(buffer.readableBytes, context) }
        onBytes()
        if kept.readableBytes == 0 {
            kept = buffer
        } else {
            // A client that has ended its sending is read to the end, wanted or not.
            let room = max(0, Self.keptBytes - kept.readableBytes)
            guard var fitting = buffer.readSlice(length: min(room, buffer.readableBytes)) else { return }
            kept.writeBuffer(&fitting)
        }
        feed(context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent, kept.readableBytes > 0 else {
            return context.fireUserInboundEventTriggered(event)
        }
        // The parser must have the bytes before it hears that there are no more.
        hasInputEnded = true
    }

    func read(context: ChannelHandlerContext) {
        if mayRead { context.read() } else { isReadWanted = true }
    }

    private var mayRead: Bool { !isHolding && kept.readableBytes == 0 }

    private func feed(_ context: ChannelHandlerContext) {
        guard !isFeeding else { return }
        isFeeding = true
        defer { isFeeding = false }
        while !isHolding, let piece = kept.readSlice(length: min(pieceBytes, kept.readableBytes)),
            piece.readableBytes > 0
        {
            unparsed += piece.readableBytes
            context.fireChannelRead(Self.wrapInboundOut(piece))
            if isDropping { kept.clear() }
            guard unparsed <= unparsedLimit else { return context.close(promise: nil) }
        }
        // A buffer that was read from holds on to its memory.
        if kept.readableBytes == 0 { kept = ByteBuffer() }
    }

    private func endInput(_ context: ChannelHandlerContext) {
        guard hasInputEnded, kept.readableBytes == 0 else { return }
        hasInputEnded = false
        context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }

    private func drop(_ count: Int, _ context: ChannelHandlerContext) {
        dropped += count
        if dropped > lingerBytes { context.close(promise: nil) }
    }
}
