import Invok
import NIOCore
import Synchronization

/// The connections of a transport: every open one, and among them those that are idle and may be used again.
final class ConnectionPool: Sendable {
    private struct Idle {
        let connection: InstanceConnection
        let expiry: Scheduled<Void>
    }

    private struct State {
        var open: [ObjectIdentifier: InstanceConnection] = [:]
        /// The connection that was used last stands last and is used next, so that the others grow old.
        var idle: [InstanceEndpoint: [Idle]] = [:]
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
    func takeIdle(for endpoint: InstanceEndpoint) -> InstanceConnection? {
        let taken = state.withLock { state -> Idle? in
            while let idle = state.idle[endpoint]?.popLast() {
                if state.idle[endpoint]?.isEmpty == true { state.idle[endpoint] = nil }
                if idle.connection.channel.isActive { return idle }
                idle.expiry.cancel()
            }
            return nil
        }
        taken?.expiry.cancel()
        return taken?.connection
    }

    /// A fresh connection.
    /// - Throws: what NIO throws; `ChannelError.ioOnClosedChannel` after `shutdown`.
    func connect(to endpoint: InstanceEndpoint) async throws -> InstanceConnection {
        let connection = try await InstanceConnection.connect(to: endpoint, on: group, settings: settings)
        let isAccepted = state.withLock { state in
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

    /// Puts back a connection on which both messages have ended. It is closed when there are enough, or when nobody
    /// wants it for a while.
    func putBack(_ connection: InstanceConnection) {
        let isKept = state.withLock { state in
            let idle = state.idle[connection.endpoint]?.count ?? 0
            guard !state.isShutDown, idle < settings.idlePerEndpoint, connection.channel.isActive else { return false }
            let expiry = connection.channel.eventLoop.scheduleTask(in: settings.idleExpiry) {
                if self.removeIdle(connection) { connection.close() }
            }
            state.idle[connection.endpoint, default: []].append(Idle(connection: connection, expiry: expiry))
            return true
        }
        if !isKept { connection.close() }
    }

    /// Closes every connection, those in use too, and refuses new ones. Returns when all are closed.
    func shutdown() async {
        let connections = state.withLock { state in
            state.isShutDown = true
            for idle in state.idle.values.joined() { idle.expiry.cancel() }
            state.idle = [:]
            return Array(state.open.values)
        }
        for connection in connections { connection.close() }
        // A close that fails has closed all the same.
        for connection in connections { try? await connection.channel.closeFuture.get() }
    }

    private func forget(_ connection: InstanceConnection) {
        removeIdle(connection)
        state.withLock { $0.open[ObjectIdentifier(connection)] = nil }
    }

    @discardableResult
    private func removeIdle(_ connection: InstanceConnection) -> Bool {
        let removed = state.withLock { state -> Idle? in
            guard let index = state.idle[connection.endpoint]?.firstIndex(where: { $0.connection === connection })
            else { return nil }
            let idle = state.idle[connection.endpoint]?.remove(at: index)
            if state.idle[connection.endpoint]?.isEmpty == true { state.idle[connection.endpoint] = nil }
            return idle
        }
        removed?.expiry.cancel()
        return removed != nil
    }
}
