public import Invok
import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Speaks HTTP/1.1 to instances over unix domain sockets, on connections that are kept and used again.
public final class UnixSocketTransport: InstanceTransport {
    let pool: ConnectionPool

    /// - Parameter network: where the instances listen.
    public init(network: any ByteNetwork = SocketNetwork(), settings: TransportSettings = .init()) {
        pool = ConnectionPool(settings: settings, network: network)
    }

    /// How many connections are open, and how many of those are idle.
    public var connectionCounts: (open: Int, idle: Int) { pool.counts }

    /// Closes every connection; exchanges that still run end as broken. Returns when all are closed.
    public func shutdown() async { await pool.shutdown() }

    public func exchange(
        _ request: InvocationRequest, with endpoint: InstanceEndpoint, sink: any ResponseSink,
        workEnded: @escaping @Sendable () -> Void
    ) async throws(TransportError) {
        guard let writer = RequestWriter(request) else {
            throw .malformed("the path has characters that a request line cannot have")
        }
        let exchange = Exchange(request: request, writer: writer, sink: sink)
        if let connection = pool.takeIdle(for: endpoint) {
            do {
                return try await run(exchange, on: connection, workEnded)
            } catch {
                guard !error.cutsShort, exchange.mayBeRepeated else { throw error }
            }
        }
        let connection: InstanceConnection
        do throws(TransportError) {
            connection = try await freshConnection(for: exchange, to: endpoint)
        } catch {
            // Nothing was sent.
            if error.cutsShort { workEnded() }
            throw error
        }
        try await run(exchange, on: connection, workEnded)
    }

    private func freshConnection(
        for exchange: Exchange, to endpoint: InstanceEndpoint
    ) async throws(TransportError) -> InstanceConnection {
        guard !Task.isCancelled else { throw .cancelled }
        do {
            return try await pool.connect(to: endpoint)
        } catch {
            // After a first try that may have reached the function, trying elsewhere is not safe any more.
            if exchange.wasSent { throw .broken("\(error)") }
            throw Self.isExhaustion(error) ? .exhausted("\(error)") : .refused("\(error)")
        }
    }

    /// Whether it is this process or machine that lacks something, and not the instance.
    static func isExhaustion(_ error: any Error) -> Bool {
        guard let error = error as? IOError else { return false }
        return [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode)
    }

    private func run(
        _ exchange: Exchange, on connection: InstanceConnection, _ workEnded: @escaping @Sendable () -> Void
    ) async throws(TransportError) {
        do {
            if try await exchange.run(on: connection) { pool.putBack(connection) } else { connection.close() }
        } catch  where error.cutsShort {
            connection.abandon()
            connection.whenClosed(workEnded)
            throw error
        } catch {
            connection.close()
            throw error
        }
    }
}

extension TransportError {
    /// Whether the instance may work on.
    fileprivate var cutsShort: Bool { self == .cancelled || self == .clientGone }
}
