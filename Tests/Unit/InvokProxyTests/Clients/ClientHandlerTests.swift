import HTTPTypes
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import InvokProxy

struct ClientHandlerTests {
    /// The system of a client that takes nothing until it is let.
    private final class Dam: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer

        private var held: [(data: NIOAny, promise: EventLoopPromise<Void>?)] = []

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            held.append((data, promise))
        }

        func open(_ context: ChannelHandlerContext) {
            for (data, promise) in held { context.write(data, promise: promise) }
            held = []
            context.flush()
        }
    }

    private let channel = EmbeddedChannel()
    private let dam = Dam()
    private let handler: ClientHandler

    init() throws {
        let limits = ClientLimits(
            firstByte: .seconds(10), idle: .seconds(10), head: .seconds(10), pause: .seconds(10), body: .seconds(10),
            leastRate: 0)
        handler = ClientHandler(
            on: channel.eventLoop,
            configuration: HTTPServer.Configuration(
                listener: .host("", port: 0), headBytes: 1000, headFields: 10, lingerTime: .seconds(1),
                lingerBytes: 100,
                answerTimeout: .seconds(60), limits: limits),
            connections: Connections(limit: 10, limitPerAddress: 10) { _ in false },
            HTTPServer.Handlers(
                respond: { _, _, _, _ in }, limits: { _, _ in limits },
                refusal: { _ in (HTTPResponse(status: .badRequest), []) }),
            instances: nil, output: OutputWatch(limit: .seconds(60))
        ) { _ in }
        try channel.pipeline.syncOperations.addHandlers([dam, handler])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    private func answer() {
        _ = handler.writeHead(HTTPResponse(status: .ok, headerFields: [.contentLength: "2"]))
        _ = handler.writeBody(Array("ok".utf8))
        _ = handler.writeEnd(nil)
        handler.done()
    }

    private func sent() throws -> String {
        var text = ""
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: bytes) }
        return text
    }

    /// What is closed before the system has taken an answer cuts it off.
    @Test(arguments: [true, false]) func whoHasEndedItsSendingGetsTheWholeAnswer(endsAtOnce: Bool) throws {
        try channel.writeInbound(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
        if endsAtOnce { channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        answer()
        if !endsAtOnce { channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        #expect(channel.isActive)
        dam.open(try channel.pipeline.syncOperations.context(handler: dam))
        channel.embeddedEventLoop.run()
        #expect(!channel.isActive)
        #expect(try sent().hasSuffix("\r\n\r\nok"))
    }

    @Test func aStopLetsTheLastAnswerBeTaken() throws {
        try channel.writeInbound(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
        answer()
        handler.quiesce()
        // Too late.
        try channel.writeInbound(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
        #expect(channel.isActive)
        dam.open(try channel.pipeline.syncOperations.context(handler: dam))
        channel.embeddedEventLoop.run()
        #expect(!channel.isActive)
        #expect(try sent().hasSuffix("\r\n\r\nok"))
    }
}
