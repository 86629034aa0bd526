import NIOCore
import NIOPosix
import Synchronization

/// A TCP proxy in front of a server, which can fall silent: it takes connections and bytes and passes nothing on, as
/// when all packets get lost on the way.
final class SilentProxy: Sendable {
    private let isSilent = Mutex(false)

    /// Runs the body with a proxy in front of a port of loopback.
    static func with<Value>(
        to port: Int, _ body: (_ proxy: SilentProxy, _ port: Int) async throws -> Value
    ) async throws -> Value {
        let proxy = SilentProxy()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { proxy.connect($0, to: port) }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            let value = try await body(proxy, listener.localAddress?.port ?? 0)
            try await listener.close()
            return value
        } catch {
            try? await listener.close()
            throw error
        }
    }

    /// From now on nothing passes, or all passes again; what was sent meanwhile is lost.
    func setSilent(_ silent: Bool) { isSilent.withLock { $0 = silent } }

    /// A connection that came in is read from once there is one to pass its bytes on to.
    private func connect(_ client: any Channel, to port: Int) -> EventLoopFuture<Void> {
        ClientBootstrap(group: client.eventLoop)
            .channelInitializer { server in
                server.eventLoop.makeCompletedFuture {
                    try server.pipeline.syncOperations.addHandler(Passage(to: client, of: self))
                }
            }
            .connect(host: "127.0.0.1", port: port)
            .flatMapThrowing { server in
                try client.pipeline.syncOperations.addHandler(Passage(to: server, of: self))
            }
    }

    /// Passes on what one side sends, and its end.
    private final class Passage: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let other: any Channel
        private let proxy: SilentProxy

        init(to other: any Channel, of proxy: SilentProxy) {
            (self.other, self.proxy) = (other, proxy)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard !proxy.isSilent.withLock({ $0 }) else { return }
            other.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            other.close(promise: nil)
            context.fireChannelInactive()
        }
    }
}
