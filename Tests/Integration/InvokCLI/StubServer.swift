import NIOCore
import NIOHTTP1
import NIOPosix

/// An HTTP server of a few lines on a free port, which answers as the test says and keeps what it was asked.
final class StubServer: Sendable {
    struct Request: Sendable {
        var method: String
        var uri: String
        var headers: HTTPHeaders
        var body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    struct Answer: Sendable {
        var status = 200
        var headers: [(String, String)] = [("Content-Type", "application/json")]
        var body: [UInt8]

        init(type: String = "application/json", _ text: String) { self.init(200, type: type, text) }

        init(_ status: Int, type: String = "application/json", _ text: String) {
            self.init(status, type: type, bytes: Array(text.utf8))
        }

        init(_ status: Int = 200, type: String = "application/json", bytes: [UInt8]) {
            self.status = status
            headers = [("Content-Type", type)]
            body = bytes
        }

        static func problem(_ status: Int, _ code: String, _ detail: String, more: String = "") -> Answer {
            Answer(
                status, type: "application/problem+json",
                """
                {"type":"about:blank","title":"t","status":\(status),"detail":"\(detail)","code":"\(code)",\
                "request_id":"r1","error":"\(detail)"\(more)}
                """)
        }
    }

    let address: String
    let requests: AsyncStream<Request>
    private let channel: any Channel

    /// Runs the body with a server, and stops it afterwards.
    static func with<Value>(
        isolation: isolated (any Actor)? = #isolation, _ answer: @escaping @Sendable (Request) -> Answer,
        _ body: (StubServer) async throws -> Value
    ) async throws -> Value {
        let server = try await StubServer(answer)
        do {
            let value = try await body(server)
            try await server.channel.close()
            return value
        } catch {
            try await server.channel.close()
            throw error
        }
    }

    private init(_ answer: @escaping @Sendable (Request) -> Answer) async throws {
        let (stream, continuation) = AsyncStream<Request>.makeStream()
        requests = stream
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(
                        Handler { request in
                            continuation.yield(request)
                            return answer(request)
                        })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        address = "http://127.0.0.1:\(channel.localAddress?.port ?? 0)"
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let answer: (Request) -> Answer
        private var request: Request?

        init(_ answer: @escaping (Request) -> Answer) { self.answer = answer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                request = Request(method: head.method.rawValue, uri: head.uri, headers: head.headers, body: [])
            case .body(let part): request?.body += part.readableBytesView
            case .end:
                guard let request else { return }
                let answer = answer(request)
                let head = HTTPResponseHead(
                    version: .http1_1, status: HTTPResponseStatus(statusCode: answer.status),
                    headers: HTTPHeaders(answer.headers + [("Connection", "close")]))
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
                let channel = context.channel
                context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
            }
        }
    }
}
