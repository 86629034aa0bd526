import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import InvokProxy

@Suite(.timeLimit(.minutes(1)))
struct WrittenCloseTests {
    /// Answers the end of the input by more than the system takes at once, and closes.
    private final class Answer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let mode: CloseMode

        init(_ mode: CloseMode) { self.mode = mode }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard case .inputClosed? = event as? ChannelEvent else { return }
            context.write(NIOAny(ByteBuffer(repeating: 7, count: WrittenCloseTests.size)), promise: nil)
            context.closeOnceWritten(mode: mode)
        }
    }

    private static let size = 4 << 20

    /// A client that sends no more may still read, as slowly as it likes.
    @Test(arguments: [CloseMode.all, .output])
    func nothingIsLostThoughTheInputHasEnded(mode: CloseMode) async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.socketOption(.so_sndbuf), value: 4096)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Answer(mode)) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let client = try await ByteConnection.connect(port: try #require(listener.localAddress?.port))
        try await client.finish()
        #expect(try await client.skip(Self.size) == Self.size)
        try await client.closed()
        try await listener.close()
    }
}
