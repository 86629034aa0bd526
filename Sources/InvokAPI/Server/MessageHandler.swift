import HTTPTypes
import Invok
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
/// - The connection ends after the answer when the client has said so in whatever letters, or asks for another protocol, or
///   no length tells its end.
/// - What a client sends ahead waits in its system but for one request.
final class MessageHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// Makes the answer to what is no request, from what is wrong with it.
    typealias Refusal = @Sendable (InvokError) -> (head: HTTPResponse, body: ByteBuffer)

    fileprivate struct Exchange {
        let isHead: Bool
        let isOld: Bool
        var keepsAlive: Bool
        var hasBody = true
    }

    private let refusal: Refusal
    private let gate: InputGate
    /// The requests that are not yet answered.
    private var exchanges = CircularBuffer<Exchange>(initialCapacity: 2)
    private var isReadingRequest = false
    /// What is left of the body that is read; `nil` where chunks tell its end.
    private var bodyBytes: Int? = 0
    /// Whatever comes is passed over.
    private var isDeaf = false
    private var closesAfterRequest = false
    private var fault: InvokError?

    init(refusal: @escaping Refusal, gate: InputGate) {
        self.refusal = refusal
        self.gate = gate
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        gate.parsed()
        guard !isDeaf else { return }
        switch Self.unwrapInboundIn(data) {
        case .head(var head):
            head.normalizeTarget()
            let rules = RequestRules.Head(head)
            if let fault = RequestRules.fault(in: rules) { return refuse(fault, context) }
            head.normalizeLength()
            isReadingRequest = true
            bodyBytes = head.bodyBytes
            var exchange = Exchange(head)
            if RequestRules.asksForUpgrade(rules) { exchange.keepsAlive = false }
            exchanges.append(exchange)
            context.fireChannelRead(Self.wrapInboundOut(.head(head)))
        case .body(let buffer):
            bodyBytes = bodyBytes.map { $0 - buffer.readableBytes }
            context.fireChannelRead(data)
        case .end:
            isReadingRequest = false
            isDeaf = exchanges.last?.keepsAlive == false || closesAfterRequest
            context.fireChannelRead(data)
            if closesAfterRequest { close(context) }
        }
        setGate()
    }

    /// One request may wait for the answer to the one before it. Nothing is read behind the last one before its answer.
    private func setGate() {
        gate.pieceBytes = isReadingRequest ? bodyBytes.map { max($0, 1024) } ?? 8192 : 1024
        gate.set(
            holding: !exchanges.isEmpty && (isDeaf || exchanges.count > 1 && !isReadingRequest), dropping: isDeaf)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case HTTPParserError.headerOverflow:
            refuse(.invalidRequest("the head of the request is too large"), context)
        case is HTTPParserError: refuse(.invalidRequest("the request is malformed"), context)
        default: context.fireErrorCaught(error)
        }
    }

    /// The server answers an error of the parser by a bare 400 once the requests before it are answered, and closes.
    private func refuse(_ error: InvokError, _ context: ChannelHandlerContext) {
        guard !isDeaf else { return }
        isDeaf = true
        fault = error
        setGate()
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
        setGate()
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
        setGate()
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

extension HTTPRequestHead {
    fileprivate mutating func normalizeTarget() {
        guard let absolute = RequestRules.absoluteForm(uri) else { return }
        headers.replaceOrAdd(name: "host", value: absolute.host)
        uri = absolute.target
    }

    /// Nobody behind this has to know that `000` is nothing.
    fileprivate mutating func normalizeLength() {
        guard let given = headers.first(name: "content-length"), let length = ContentLength.parse(given) else { return }
        if given != String(length) { headers.replaceOrAdd(name: "content-length", value: String(length)) }
    }

    fileprivate var bodyBytes: Int? {
        if headers.contains(name: "transfer-encoding") { return nil }
        return headers.first(name: "content-length").flatMap { ContentLength.parse($0) } ?? 0
    }
}

extension RequestRules.Head {
    fileprivate init(_ head: HTTPRequestHead) {
        self.init(
            method: head.method.rawValue, target: head.uri, isHTTP10: head.version == .http1_0,
            values: { head.headers[$0] })
    }
}

extension MessageHandler {
    /// Puts the handler below the codec that drops what it looks at, and the gate before all; Hummingbird adds handlers above
    /// the codec only.
    final class Installer: ChannelInboundHandler, RemovableChannelHandler {
        typealias InboundIn = HTTPRequestPart

        private let refusal: Refusal
        private let configuration: ServerConfiguration

        init(configuration: ServerConfiguration, refusal: @escaping Refusal) {
            self.refusal = refusal
            self.configuration = configuration
        }

        func handlerAdded(context: ChannelHandlerContext) {
            let pipeline = context.pipeline.syncOperations
            do {
                let deadlines = try pipeline.handler(type: RequestDeadlineHandler.self)
                let gate = InputGate(
                    unparsedLimit: 2 * configuration.headBytes, lingerBytes: configuration.lingerBytes,
                    onBytes: deadlines.bytesCame)
                let codec = try pipeline.handler(type: HTTP1ToHTTPServerCodec.self)
                try pipeline.addHandlers(OutputWatch(limit: configuration.answerTimeout), gate, position: .first)
                try pipeline.addHandler(MessageHandler(refusal: refusal, gate: gate), position: .before(codec))
            } catch {
                // Without it connections are not safe to use.
                context.fireErrorCaught(error)
                context.close(promise: nil)
            }
        }
    }
}
