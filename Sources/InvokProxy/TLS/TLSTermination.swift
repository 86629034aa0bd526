import NIOCore
import NIOSSL
import Synchronization

/// TLS termination: secures the connections of a server, by an identity that may be replaced while they go on.
public final class TLSTermination: Sendable {
    /// What a connection keeps for what it sends, in bytes: more than a record (RFC 8446 §5.2).
    private static let keptBytes = 20 * 1024

    private let identity: Mutex<TLSIdentity>

    public init(_ identity: TLSIdentity) { self.identity = Mutex(identity) }

    /// Connections that come from now on are secured by it; those that are there keep theirs.
    public func replace(with identity: TLSIdentity) { self.identity.withLock { $0 = identity } }

    /// What stands between the socket and who answers, from the socket on.
    /// - Parameter refusal: the answer to a request in plain text.
    func handlers(refusal: @escaping () -> [UInt8]) -> [any ChannelHandler] {
        var configuration = NIOSSLHandler.Configuration()
        configuration.maximumPreservedOutboundBufferCapacity = Self.keptBytes
        return [
            OpeningHandler(refusal: refusal),
            NIOSSLServerHandler(context: identity.withLock { $0.context }, configuration: configuration),
        ]
    }
}
