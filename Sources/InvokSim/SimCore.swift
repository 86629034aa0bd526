public import HTTPTypes
public import Invok
import Synchronization

/// One life of one core: from its start to its crash. Every effect and every wait of its tasks asks whether it still
/// lives, and never returns when it does not; that is how a process ends at any `await`.
public final class SimCore: Sendable {
    /// The core for which the running task works; `nil` for what lies outside, such as clients.
    @TaskLocal public static var current: SimCore?

    private struct State {
        var isDead = false
        var isClosed = false
        var nextNumber = 0
        var requests = 0
        var onCrash: [(number: Int, run: @Sendable () -> Void)] = []
    }

    public let name: String
    private let state = Mutex(State())

    public init(name: String) {
        self.name = name
    }

    public var isDead: Bool { state.withLock { $0.isDead } }

    /// Whether it takes no new requests: it is dead, or has closed its port.
    package var isClosed: Bool { state.withLock { $0.isDead || $0.isClosed } }

    /// Takes no new requests from now on; those that it has are answered.
    package func close() { state.withLock { $0.isClosed = true } }

    /// Ends the core where it stands: its tasks do nothing more, and what clients wait for is cut off.
    public func crash() {
        let cleanUps = state.withLock { state in
            state.isDead = true
            defer { state.onCrash = [] }
            return state.onCrash
        }
        for cleanUp in cleanUps { cleanUp.run() }
    }

    /// Starts what the core does by itself.
    @discardableResult
    public func start(_ operation: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        Self.$current.withValue(self) { Task(operation: operation) }
    }

    /// Requests that the core works on now.
    public var requestCount: Int { state.withLock { $0.requests } }

    /// Lets the core work for somebody outside.
    /// - Returns: `nil` when the core crashed before it was done.
    public func serve<Value: Sendable>(_ operation: @escaping @Sendable () async -> Value) async -> Value? {
        await withUnsafeContinuation { continuation in
            guard let number = atCrash({ continuation.resume(returning: nil) }) else {
                continuation.resume(returning: nil)
                return
            }
            start { [self] in
                let value = await operation()
                if settle(number) { continuation.resume(returning: value) }
            }
        }
    }

    /// Sends a request from outside to the server that runs in this core. Who is cancelled while it waits hangs up.
    /// - Returns: how the answer ended; the answer itself is in the sink.
    public func exchange(
        _ head: HTTPRequest, body: [UInt8] = [], with server: any SimServer, sink: any ResponseSink
    ) async -> SimConnection.End {
        await exchange(head, body: body, on: SimConnection(for: head.method, sink: sink), with: server)
    }

    package func exchange(
        _ head: HTTPRequest, body: [UInt8], on connection: SimConnection, with server: any SimServer
    ) async -> SimConnection.End {
        guard let ticket = atCrash({ connection.close() }) else { return .cutOff }
        state.withLock { $0.requests += 1 }
        start { [self] in
            try? await server.respond(to: head, body: body, on: connection)
            state.withLock { $0.requests -= 1 }
            settle(ticket)
            connection.close()
        }
        return await connection.wait()
    }

    /// Keeps what must happen outside when the core crashes: a connection breaks, for instance.
    /// - Returns: what to give to `settle`; `nil` when the core has crashed already.
    package func atCrash(_ run: @escaping @Sendable () -> Void) -> Int? {
        state.withLock { state in
            guard !state.isDead else { return nil }
            state.nextNumber += 1
            state.onCrash.append((state.nextNumber, run))
            return state.nextNumber
        }
    }

    /// - Returns: `false` when the crash has come first and `atCrash`'s closure has run.
    @discardableResult
    package func settle(_ number: Int) -> Bool {
        state.withLock { state in
            guard let index = state.onCrash.firstIndex(where: { $0.number == number }) else { return false }
            state.onCrash.remove(at: index)
            return true
        }
    }

    /// Returns unless the running task belongs to a core that has crashed.
    static func fence() async {
        guard let current, current.isDead else { return }
        await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
    }
}
