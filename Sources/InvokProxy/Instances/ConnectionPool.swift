import Invok
import NIOCore
import Synchronization

/// The connections of a transport: every open one, and among them those that are idle and may be used again.
///
/// A connection lives on one event loop. Whoever carries out an exchange on that loop takes one of it.
final class ConnectionPool: Sendable {
    private struct Idle {
        let connection: InstanceConnection
        let since: NIODeadline
    }

    private struct State {
        var open: [ObjectIdentifier: InstanceConnection] = [:]
        /// The connection that was used last stands last and is used next, so that the others grow old.
        var idle: [InstanceEndpoint: [Idle]] = [:]
        var isSweeping = false
        var isShutDown = false
    }

    private let settings: TransportSettings
    private let group: any EventLoopGroup
    private let state = Mutex(State())

    init(settings: TransportSettings, group: any EventLoopGroup) {
        self.settings = settings
        self.group = group
    }

    var counts: (open: Int, idle: Int) {
        state.withLock { ($0.open.count, $0.idle.values.reduce(0) { $0 + $1.count }) }
    }

    /// An idle connection, taken out of the pool.
    /// - Parameter eventLoop: where it has to live; `nil` for anywhere.
    func takeIdle(for endpoint: InstanceEndpoint, on eventLoop: (any EventLoop)? = nil) -> InstanceConnection? {
        let earliest = NIODeadline.now() - settings.idleExpiry
        return state.withLock { state in
            guard let index = state.idle.index(forKey: endpoint) else { return nil }
            let found = state.idle.values[index].lastIndex { idle in
                // What is too old is left to the sweep.
                idle.since >= earliest && (eventLoop.map { $0 === idle.connection.channel.eventLoop } ?? true)
                    && idle.connection.channel.isActive
            }
            return found.map { state.idle.values[index].remove(at: $0).connection }
        }
    }

    /// A fresh connection on any event loop.
    /// - Throws: what NIO throws; `ChannelError.ioOnClosedChannel` after `shutdown`.
    func connect(to endpoint: InstanceEndpoint) async throws -> InstanceConnection {
        try await connect(to: endpoint, on: group.next()).get()
    }

    /// A fresh connection. It fails with what NIO throws; with `ChannelError.ioOnClosedChannel` after `shutdown`.
    func connect(to endpoint: InstanceEndpoint, on eventLoop: any EventLoop) -> EventLoopFuture<InstanceConnection> {
        InstanceConnection.connect(to: endpoint, on: eventLoop, settings: settings).flatMapThrowing { connection in
            let isAccepted = self.state.withLock { state in
                guard !state.isShutDown else { return false }
                state.open[ObjectIdentifier(connection)] = connection
                return true
            }
            guard isAccepted else {
                connection.close()
                throw ChannelError.ioOnClosedChannel
            }
            connection.channel.closeFuture.whenComplete { _ in self.forget(connection) }
            return connection
        }
    }

    /// Puts back a connection on which both messages have ended. It is closed when there are enough, or when nobody
    /// wants it for a while.
    func putBack(_ connection: InstanceConnection) {
        let now = NIODeadline.now()
        let (isKept, beginsToSweep) = state.withLock { state -> (Bool, Bool) in
            let idle = state.idle[connection.endpoint]?.count ?? 0
            guard !state.isShutDown, idle < settings.idlePerEndpoint, connection.channel.isActive else {
                return (false, false)
            }
            state.idle[connection.endpoint, default: []].append(Idle(connection: connection, since: now))
            defer { state.isSweeping = true }
            return (true, !state.isSweeping)
        }
        if !isKept { connection.close() }
        if beginsToSweep { sweep(in: settings.idleExpiry) }
    }

    /// One timer for all: one for each would be set and cancelled by each exchange.
    private func sweep(in time: TimeAmount) { group.any().scheduleTask(in: time) { self.sweep() } }

    private func sweep() {
        let (now, expiry) = (NIODeadline.now(), settings.idleExpiry)
        let (expired, next) = state.withLock { state -> ([InstanceConnection], NIODeadline?) in
            var expired: [InstanceConnection] = []
            for (endpoint, idle) in state.idle {
                // They grow old in their order.
                let old = idle.prefix { $0.since + expiry <= now }
                expired += old.map(\.connection)
                state.idle[endpoint] = old.count == idle.count ? nil : Array(idle.dropFirst(old.count))
            }
            let oldest = state.idle.values.compactMap(\.first?.since).min()
            state.isSweeping = oldest != nil
            return (expired, oldest)
        }
        for connection in expired { connection.close() }
        if let next { sweep(in: next + expiry - now) }
    }

    /// Closes every connection, those in use too, and refuses new ones. Returns when all are closed.
    func shutdown() async {
        let connections = state.withLock { state in
            state.isShutDown = true
            state.idle = [:]
            return Array(state.open.values)
        }
        for connection in connections { connection.close() }
        // A close that fails has closed all the same.
        for connection in connections { try? await connection.channel.closeFuture.get() }
    }

    private func forget(_ connection: InstanceConnection) {
        state.withLock { state in
            state.open[ObjectIdentifier(connection)] = nil
            state.idle[connection.endpoint]?.removeAll { $0.connection === connection }
            if state.idle[connection.endpoint]?.isEmpty == true { state.idle[connection.endpoint] = nil }
        }
    }
}
