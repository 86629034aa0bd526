public import NIOCore

/// The network, as connections of bytes: a port. Bytes come in their order, in pieces of any size. Either side may end its
/// sending alone or reset the connection, and is held back by a reader that does not read.
///
/// Connections are NIO's channels of `ByteBuffer`. They live on the network's event loops, whose time is the network's.
/// They read only when asked (`autoRead` is off), which is the backpressure.
public protocol ByteNetwork: Sendable {
    /// Where connections live.
    var eventLoops: any EventLoopGroup { get }

    /// Takes connections until the listener is closed. Those that it took go on then.
    ///
    /// A connection whose other side has ended its sending stays open, and says so (`ChannelEvent.inputClosed`). It brings
    /// one piece for each read that it is asked for.
    /// - Parameters:
    ///   - address: port 0 is any free one, which the listener names.
    ///   - initialize: sets up a connection, on its event loop.
    /// - Throws: `IOError` or what else NIO throws when it cannot listen there.
    func listen(
        on address: NetworkAddress, initialize: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) async throws -> NetworkListener

    /// Connects. The connection ends when its other side ends its sending.
    /// - Parameters:
    ///   - timeout: how long it may take.
    ///   - initialize: sets the connection up, on its event loop.
    /// - Returns: the connection; or `IOError`, `ChannelError.connectTimeout` or what else NIO fails with.
    func connect(
        to address: NetworkAddress, on eventLoop: any EventLoop, timeout: TimeAmount,
        initialize: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) -> EventLoopFuture<any Channel>
}

/// Somebody who listens.
public struct NetworkListener: Sendable {
    /// `nil` for an address without one.
    public let port: Int?
    /// Takes no more connections; returns when none come any more.
    public let close: @Sendable () async -> Void

    public init(port: Int?, close: @escaping @Sendable () async -> Void) {
        self.port = port
        self.close = close
    }
}

/// Where somebody listens.
public enum NetworkAddress: Hashable, Sendable {
    /// A name or an IP address, and a port of TCP.
    case host(String, port: Int)
    /// A unix domain socket.
    case unixSocket(path: String)
    /// A socket that listens already, which the listener closes. Nobody can connect by this.
    case listening(NIOBSDSocket.Handle)
}
