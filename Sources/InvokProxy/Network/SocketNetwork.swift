public import NIOCore
import NIOPosix

/// The system's sockets.
public struct SocketNetwork: ByteNetwork {
    public let eventLoops: any EventLoopGroup

    /// - Parameter eventLoops: outlive the network; those of the process unless told.
    public init(eventLoops: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton) {
        self.eventLoops = eventLoops
    }

    public func listen(
        on address: NetworkAddress, initialize: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) async throws -> NetworkListener {
        var bootstrap = ServerBootstrap(group: eventLoops)
            .serverChannelOption(.backlog, value: 1024)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer(initialize)
        switch address {
        case .host(let host, let port):
            bootstrap =
                bootstrap
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            return NetworkListener(try await bootstrap.bind(host: host, port: port).get())
        case .unixSocket(let path):
            return NetworkListener(try await bootstrap.bind(unixDomainSocketPath: path).get())
        case .listening(let socket): return NetworkListener(try await bootstrap.withBoundSocket(socket).get())
        }
    }

    public func connect(
        to address: NetworkAddress, on eventLoop: any EventLoop, timeout: TimeAmount,
        initialize: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(timeout)
            .channelOption(.autoRead, value: false)
            .channelInitializer(initialize)
        return switch address {
        case .host(let host, let port): bootstrap.connect(host: host, port: port)
        case .unixSocket(let path): bootstrap.connect(unixDomainSocketPath: path)
        case .listening: eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
        }
    }
}

extension NetworkListener {
    fileprivate init(_ channel: any Channel) {
        self.init(port: channel.localAddress?.port) {
            // One that cannot be closed is closed.
            try? await channel.close()
        }
    }
}
