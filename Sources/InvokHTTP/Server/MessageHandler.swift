import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Holds the messages of a connection to what NIO's coders leave open, where the version and the fields as they were
/// sent can still be seen.
///
/// - A request that is none is answered by a problem, and the connection ends.
/// - No bytes follow the head of an answer to HEAD or of a 204 or 304: a client would take them for the next answer.
/// - A client of HTTP/1.0 gets no chunks and no interim answers.
/// - The connection ends after the answer when the client has said so in whatever letters, or no length tells its end.
final class MessageHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// Makes the answer to what is no request, from what is wrong with it.
    typealias Refusal = @Sendable (String) -> (head: HTTPResponse, body: ByteBuffer)

    fileprivate struct Exchange {
        let isHead: Bool
        let isOld: Bool
        var keepsAlive: Bool
        var hasBody = true
    }

    private let refusal: Refusal
    /// The requests that are not yet answered.
    private var exchanges = CircularBuffer<Exchange>(initialCapacity: 2)
    private var isReadingRequest = false
    /// Whatever comes is passed over.
    private var isDeaf = false
    private var closesAfterRequest = false
    private var fault: String?

    init(refusal: @escaping Refusal) { self.refusal = refusal }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDeaf else { return }
        switch Self.unwrapInboundIn(data) {
        case .head(var head):
            RequestRules.normalizeTarget(of: &head)
            if let fault = RequestRules.fault(in: head) {
                return errorCaught(context: context, error: Fault(reason: fault))
            }
            isReadingRequest = true
            exchanges.append(Exchange(head))
            context.fireChannelRead(Self.wrapInboundOut(.head(head)))
        case .body: context.fireChannelRead(data)
        case .end:
            isReadingRequest = false
            isDeaf = exchanges.last?.keepsAlive == false || closesAfterRequest
            context.fireChannelRead(data)
            if closesAfterRequest { close(context) }
        }
    }

    private struct Fault: Error { let reason: String }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case let error as Fault: refuse(error.reason, context)
        case HTTPParserError.headerOverflow: refuse("the head of the request is too large", context)
        case is HTTPParserError: refuse("the request is malformed", context)
        default: context.fireErrorCaught(error)
        }
    }

    /// The server answers an error of the parser by a bare 400 once the requests before it are answered, and closes.
    private func refuse(_ reason: String, _ context: ChannelHandlerContext) {
        guard !isDeaf else { return }
        isDeaf = true
        fault = reason
        context.fireErrorCaught(HTTPParserError.unknown)
    }

    // MARK: Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch Self.unwrapOutboundIn(data) {
        case .head(let head):
            guard !exchanges.isEmpty else { return writeWithoutRequest(head, context, promise) }
            writeHead(head, context, promise)
        case .body:
            guard exchanges.first?.hasBody != false else { promise?.succeed(); return }
            context.write(data, promise: promise)
        case .end: writeEnd(data, context, promise)
        }
    }

    private func writeHead(
        _ head: HTTPResponseHead, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?
    ) {
        var head = head
        var exchange = exchanges[exchanges.startIndex]
        if (100..<200).contains(head.status.code) {
            guard !exchange.isOld else { promise?.succeed(); return }
            context.write(Self.wrapOutboundOut(.head(head)), promise: promise)
            return
        }
        exchange.hasBody = !exchange.isHead && head.status != .noContent && head.status != .notModified
        if exchange.isOld {
            head.version = .http1_0
            head.headers.remove(name: "transfer-encoding")
            // Only the end of the connection tells an old client where such an answer ends.
            if exchange.hasBody, !head.headers.contains(name: "content-length") { exchange.keepsAlive = false }
            if exchange.keepsAlive { head.headers.replaceOrAdd(name: "connection", value: "keep-alive") }
        }
        if !exchange.keepsAlive { head.headers.replaceOrAdd(name: "connection", value: "close") }
        exchanges[exchanges.startIndex] = exchange
        context.write(Self.wrapOutboundOut(.head(head)), promise: promise)
    }

    private func writeEnd(_ data: NIOAny, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        let exchange = exchanges.popFirst()
        // NIO's encoder does not know the method and would end an answer without a length by an empty chunk.
        if exchange?.isHead == true { promise?.succeed() } else { context.write(data, promise: promise) }
        guard exchange?.keepsAlive == false else { return }
        if isReadingRequest { closesAfterRequest = true } else { close(context) }
    }

    /// The server's own answer to a fault.
    private func writeWithoutRequest(
        _ head: HTTPResponseHead, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?
    ) {
        guard let fault else { return context.write(Self.wrapOutboundOut(.head(head)), promise: promise) }
        let (answer, body) = refusal(fault)
        var head = HTTPResponseHead(answer)
        head.headers.replaceOrAdd(name: "connection", value: "close")
        context.write(Self.wrapOutboundOut(.head(head)), promise: promise)
        context.write(Self.wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
    }

    /// Ends the sending only: a connection that is closed with bytes unread is reset, and the answer may be lost. The
    /// deadline for the next request ends it if the client does not.
    private func close(_ context: ChannelHandlerContext) {
        isDeaf = true
        context.flush()
        context.close(mode: .output, promise: nil)
    }
}

extension MessageHandler.Exchange {
    fileprivate init(_ head: HTTPRequestHead) {
        isHead = head.method == .HEAD
        isOld = head.version == .http1_0
        keepsAlive = head.isKeepAlive
    }
}

extension MessageHandler {
    /// Puts the handler below the codec that drops what it looks at; Hummingbird adds handlers above it only.
    final class Installer: ChannelInboundHandler, RemovableChannelHandler {
        typealias InboundIn = HTTPRequestPart

        private let refusal: Refusal

        init(refusal: @escaping Refusal) { self.refusal = refusal }

        func handlerAdded(context: ChannelHandlerContext) {
            let pipeline = context.pipeline.syncOperations
            do {
                let codec = try pipeline.handler(type: HTTP1ToHTTPServerCodec.self)
                try pipeline.addHandler(MessageHandler(refusal: refusal), position: .before(codec))
            } catch {
                // Without it connections are not safe to use.
                context.fireErrorCaught(error)
                context.close(promise: nil)
            }
        }
    }
}
