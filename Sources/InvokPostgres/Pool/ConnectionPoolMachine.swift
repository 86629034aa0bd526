import Invok

/// Which request runs on which connection, and when another one is opened: the pool's decisions, without its effects.
///
/// A server that cannot be reached is asked by one request at a time, at growing intervals; all others are refused at
/// once meanwhile, so that nobody waits for what will not come.
struct ConnectionPoolMachine: Sendable {
    typealias Connection = Int
    typealias Request = UInt64

    struct Limits: Hashable, Sendable {
        /// The most connections that are open or being opened.
        var connections = 8
        /// The most requests that wait for one, and how long.
        var waiting = 256
        var wait = Duration.seconds(5)
        /// Between tries to reach the server: doubled from the first to the last.
        var firstRetry = Duration.milliseconds(100)
        var lastRetry = Duration.seconds(2)
    }

    enum Action: Hashable, Sendable {
        case open(Connection)
        case run(Request, on: Connection)
        case refuse(Request, Refusal)
        case close(Connection)
        /// Call `onTime` then.
        case wake(at: Instant)
        /// The server became unreachable, or can be reached again.
        case report(isReachable: Bool)
    }

    enum Refusal: Hashable, Sendable {
        case unreachable, tooMany, closed
    }

    private enum State: Hashable {
        case opening, busy, idle
    }

    private enum Server: Hashable {
        case reachable
        case unreachable(failures: Int, retryAt: Instant)
    }

    private struct Waiting: Hashable {
        let request: Request
        let deadline: Instant
    }

    private let limits: Limits
    private var connections: [Connection: State] = [:]
    /// The last one used stands last and is used first, so that the others may be left alone.
    private var idle: [Connection] = []
    private var waiting: [Waiting] = []
    private var server = Server.reachable
    private var lastConnection: Connection = 0
    private var isClosed = false

    init(limits: Limits = Limits()) { self.limits = limits }

    var openCount: Int { connections.count }
    var waitingCount: Int { waiting.count }

    // MARK: Events

    /// Somebody wants a connection.
    mutating func onRequest(_ request: Request, now: Instant) -> [Action] {
        guard !isClosed else { return [.refuse(request, .closed)] }
        if let connection = idle.popLast() {
            connections[connection] = .busy
            return [.run(request, on: connection)]
        }
        guard mayWait(now: now) else { return [.refuse(request, .unreachable)] }
        guard waiting.count < limits.waiting else { return [.refuse(request, .tooMany)] }
        let deadline = now.advanced(by: limits.wait)
        waiting.append(Waiting(request: request, deadline: deadline))
        return [.wake(at: deadline)] + openForWaiting(now: now)
    }

    /// A connection was opened.
    mutating func onOpened(_ connection: Connection, now: Instant) -> [Action] {
        guard connections[connection] == .opening else { return impossible("opened") }
        var actions: [Action] = []
        if server != .reachable { actions.append(.report(isReachable: true)) }
        server = .reachable
        return actions + use(connection) + openForWaiting(now: now)
    }

    /// A connection could not be opened.
    mutating func onOpenFailed(_ connection: Connection, now: Instant) -> [Action] {
        guard connections.removeValue(forKey: connection) == .opening else { return impossible("not opened") }
        var failures = 1
        var actions: [Action] = []
        switch server {
        case .reachable: actions.append(.report(isReachable: false))
        case .unreachable(let earlier, _): failures = earlier + 1
        }
        server = .unreachable(failures: failures, retryAt: now.advanced(by: retryDelay(after: failures)))
        return actions + refuseHopeless(now: now)
    }

    /// A request has done with its connection.
    /// - Parameter isUsable: whether the connection may serve another one.
    mutating func onFinished(_ connection: Connection, isUsable: Bool, now: Instant) -> [Action] {
        guard connections[connection] == .busy else { return impossible("finished") }
        if isUsable, !isClosed { return use(connection) }
        connections[connection] = nil
        // What ended this one has most likely ended the idle ones too.
        let closing = [connection] + idle
        for other in idle { connections[other] = nil }
        idle = []
        return closing.map { .close($0) } + openForWaiting(now: now) + refuseHopeless(now: now)
    }

    /// An instant that `wake` named has come.
    mutating func onTime(now: Instant) -> [Action] {
        let late = waiting.prefix { $0.deadline <= now }
        waiting.removeFirst(late.count)
        return late.map { .refuse($0.request, .tooMany) }
    }

    /// No more requests. Those that run go on to their end.
    mutating func onClose() -> [Action] {
        isClosed = true
        let refused = waiting.map { Action.refuse($0.request, .closed) }
        let closing = idle.map { Action.close($0) }
        for connection in idle { connections[connection] = nil }
        (waiting, idle) = ([], [])
        return refused + closing
    }

    // MARK: Decisions

    /// Gives a connection to who waits longest, or lays it aside.
    private mutating func use(_ connection: Connection) -> [Action] {
        guard !isClosed else {
            connections[connection] = nil
            return [.close(connection)]
        }
        guard !waiting.isEmpty else {
            connections[connection] = .idle
            idle.append(connection)
            return []
        }
        connections[connection] = .busy
        return [.run(waiting.removeFirst().request, on: connection)]
    }

    private var openingCount: Int { connections.values.count { $0 == .opening } }
    private var hasBusy: Bool { connections.values.contains(.busy) }

    private func mayTry(now: Instant) -> Bool {
        switch server {
        case .reachable: true
        case .unreachable(_, let retryAt): now >= retryAt && openingCount == 0
        }
    }

    private func mayWait(now: Instant) -> Bool { server == .reachable || hasBusy || mayTry(now: now) }

    private mutating func openForWaiting(now: Instant) -> [Action] {
        var actions: [Action] = []
        while connections.count < limits.connections, openingCount < waiting.count, mayTry(now: now) {
            lastConnection += 1
            connections[lastConnection] = .opening
            actions.append(.open(lastConnection))
        }
        return actions
    }

    /// Those who wait are told when no connection can come free and none is being opened.
    private mutating func refuseHopeless(now: Instant) -> [Action] {
        guard server != .reachable, !hasBusy, openingCount == 0 else { return [] }
        defer { waiting = [] }
        return waiting.map { .refuse($0.request, .unreachable) }
    }

    private func retryDelay(after failures: Int) -> Duration {
        min(limits.lastRetry, limits.firstRetry * (1 << min(failures - 1, 16)))
    }

    private func impossible(_ event: String) -> [Action] {
        assertionFailure("a connection was \(event) that was not in that state")
        return []
    }
}
