import NIOCore

/// The driver of a `ConnectionOpening`: stands before TLS, and goes once TLS may have the connection.
final class OpeningHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// `no_application_protocol`, a fatal alert (RFC 7301 §3.2) in a record of its own.
    private static let noApplicationProtocol: [UInt8] = [21, 3, 3, 0, 2, 2, 120]
    /// What is read and dropped behind an answer, in bytes, so that the client sees it instead of a reset.
    private static let droppedBytes = 64 * 1024

    private let refusal: () -> [UInt8]
    private var opening = ConnectionOpening()
    /// What may still be dropped, once the client has been refused.
    private var dropping: Int?

    /// - Parameter refusal: the answer to a request in plain text.
    init(refusal: @escaping () -> [UInt8]) { self.refusal = refusal }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Self.unwrapInboundIn(data).readableBytesView
        if let left = dropping {
            dropping = left - bytes.count
            if left < bytes.count { context.close(promise: nil) }
            return
        }
        // More is read when nothing is passed on: TLS asks for it.
        switch opening.onBytes(bytes) {
        case nil: break
        case .plainRequest: refuse(refusal(), context)
        case .otherProtocols: refuse(Self.noApplicationProtocol, context)
        case .tls:
            context.fireChannelRead(Self.wrapInboundOut(ByteBuffer(bytes: opening.bytes)))
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        }
    }

    /// The client's deadline closes the connection, unless the client does.
    private func refuse(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        opening = ConnectionOpening()
        dropping = Self.droppedBytes
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        context.close(mode: .output, promise: nil)
    }
}
