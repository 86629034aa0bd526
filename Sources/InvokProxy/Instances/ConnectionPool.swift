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
        let number: Int
    }

    private struct State {
        /// By numbers, so that what is done to all is done in an order.
        var open: [Int: InstanceConnection] = [:]
        var lastNumber = 0
        /// The connection that was used last stands last and is used next, so that the others grow old.
        var idle: [InstanceEndpoint: [Idle]] = [:]
        var isSweeping = false
        var isShutDown = false

        mutating func nextNumber() -> Int {
            lastNumber += 1
            return lastNumber
        }
    }

    private let settings: TransportSettings
    private let network: any ByteNetwork
    /// Tells the time of all connections.
    private let clock: any EventLoop
    private let state = Mutex(State())

    init(settings: TransportSettings, network: any ByteNetwork) {
        self.settings = settings
        self.network = network
        clock = network.eventLoops.any()
    }

    var counts: (open: Int, idle: Int) {
        state.withLock { ($0.open.count, $0.idle.values.reduce(0) { $0 + $1.count }) }
    }

    /// An idle connection, taken out of the pool.
    /// - Parameter eventLoop: where it has to live; `nil` for anywhere.
    func takeIdle(for endpoint: InstanceEndpoint, on eventLoop: (any EventLoop)? = nil) -> InstanceConnection? {
        let earliest = clock.now - settings.idleExpiry
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
        try await connect(to: endpoint, on: network.eventLoops.next()).get()
    }

    /// A fresh connection. It fails with what NIO throws; with `ChannelError.ioOnClosedChannel` after `shutdown`.
    func connect(to endpoint: InstanceEndpoint, on eventLoop: any EventLoop) -> EventLoopFuture<InstanceConnection> {
        InstanceConnection.connect(to: endpoint, over: network, on: eventLoop, settings: settings).flatMapThrowing {
            connection in
            let number: Int? = self.state.withLock { state in
                guard !state.isShutDown else { return nil }
                let number = state.nextNumber()
                state.open[number] = connection
                return number
            }
            guard let number else {
                connection.close()
                throw ChannelError.ioOnClosedChannel
            }
            connection.channel.closeFuture.whenComplete { _ in self.forget(connection, number) }
            return connection
        }
    }

    /// Puts back a connection on which both messages have ended. It is closed when there are enough, or when nobody
    /// wants it for a while.
    func putBack(_ connection: InstanceConnection) {
        let now = clock.now
        let (isKept, beginsToSweep) = state.withLock { state -> (Bool, Bool) in
            let idle = state.idle[connection.endpoint]?.count ?? 0
            guard !state.isShutDown, idle < settings.idlePerEndpoint, connection.channel.isActive else {
                return (false, false)
            }
            let entry = Idle(connection: connection, since: now, number: state.nextNumber())
            state.idle[connection.endpoint, default: []].append(entry)
            defer { state.isSweeping = true }
            return (true, !state.isSweeping)
        }
        if !isKept { connection.close() }
        if beginsToSweep { sweep(in: settings.idleExpiry) }
    }

    /// One timer for all: one for each would be set and cancelled by each exchange.
    private func sweep(in time: TimeAmount) { clock.scheduleTask(in: time) { self.sweep() } }

    private func sweep() {
        let (now, expiry) = (clock.now, settings.idleExpiry)
        let (expired, next) = state.withLock { state -> ([Idle], NIODeadline?) in
            var expired: [Idle] = []
            for (endpoint, idle) in state.idle {
                // They grow old in their order.
                let old = idle.prefix { $0.since + expiry <= now }
                expired += old
                state.idle[endpoint] = old.count == idle.count ? nil : Array(idle.dropFirst(old.count))
            }
            let oldest = state.idle.values.compactMap(\.first?.since).min()
            state.isSweeping = oldest != nil
            return (expired, oldest)
        }
        for idle in expired.sorted(by: { $0.number < $1.number }) { idle.connection.close() }
        if let next { sweep(in: next + expiry - now) }
    }

    /// Closes every connection, those in use too, and refuses new ones. Returns when all are closed.
    func shutdown() async {
        let connections = state.withLock { state in
            state.isShutDown = true
            state.idle = [:]
            return state.open.sorted { $0.key < $1.key }.map(\.value)
        }
        for connection in connections { connection.close() }
        // A close that fails has closed all the same.
        for connection in connections { try? await connection.channel.closeFuture.get() }
    }

    private func forget(_ connection: InstanceConnection, _ number: Int) {
        state.withLock { state in
            state.open[number] = nil
            state.idle[connection.endpoint]?.removeAll { $0.connection === connection }
            if state.idle[connection.endpoint]?.isEmpty == true { state.idle[connection.endpoint] = nil }
        }
    }
}
