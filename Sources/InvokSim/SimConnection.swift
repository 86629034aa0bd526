public import HTTPTypes
public import Invok
import Synchronization

/// A client's connection to a simulated core, for one request and its answer. It stands where sockets and HTTP's framing
/// stand elsewhere: it loses what a client sends or gets once either side has gone.
public final class SimConnection: ResponseSink {
    /// How the answer ended.
    public enum End: Hashable, Sendable {
        case whole
        /// The core closed, or crashed, before the answer had ended.
        case cutOff
        /// The client hung up.
        case hungUp
    }

    /// Neither side hears the other any more.
    public struct Closed: Error {
        public init() {}
    }

    private struct State {
        var end: End?
        var carriesBody = true
        var onGone: [@Sendable () -> Void] = []
    }

    /// How slowly a client sends a body and takes an answer.
    package struct Pace: Sendable {
        package let pieceBytes: Int
        /// Comes before each piece that is sent or taken.
        package let pause: Duration
        package let clock: any Clock

        package init(pieceBytes: Int, pause: Duration, clock: any Clock) {
            self.pieceBytes = pieceBytes
            self.pause = pause
            self.clock = clock
        }
    }

    private let state: Mutex<State>
    private let sink: any ResponseSink
    private let pace: Pace?
    /// The client's address.
    public let client: String
    private let ended = SimLatch()

    /// - Parameters:
    ///   - method: the request's; an answer to HEAD has no body.
    ///   - sink: where the answer goes.
    public convenience init(for method: HTTPRequest.Method, sink: any ResponseSink) {
        self.init(for: method, sink: sink, pace: nil)
    }

    /// - Parameters:
    ///   - pace: `nil` for as fast as it is taken.
    ///   - client: the client's address; one of those that are kept for documentation (RFC 5737), unless told.
    package init(for method: HTTPRequest.Method, sink: any ResponseSink, pace: Pace?, client: String = "192.0.2.1") {
        self.client = client
        state = Mutex(State(carriesBody: method != .head))
        self.sink = sink
        self.pace = pace
    }

    /// `nil` while it goes on.
    public var end: End? { state.withLock { $0.end } }

    // MARK: The client

    /// Waits for the end. A client that is cancelled hangs up.
    package func wait() async -> End {
        await withTaskCancellationHandler {
            _ = await ended.wait()
        } onCancel: {
            end(.hungUp)
        }
        return end ?? .hungUp
    }

    // MARK: The core

    /// How much of a body comes at a time.
    public var pieceBytes: Int { pace?.pieceBytes ?? 16 * 1024 }

    /// Waits until the next piece of the body comes. Anything may happen between two pieces.
    /// - Throws: `Closed` when none comes any more.
    public func waitForPiece() async throws {
        if pace == nil { await Task.yield() } else { await dawdle() }
        guard end == nil || end == .whole else { throw Closed() }
    }

    private func dawdle() async {
        guard let pace else { return }
        // Whoever is cancelled does not wait.
        try? await pace.clock.sleep(until: pace.clock.now().advanced(by: pace.pause))
    }

    /// Ends the connection, as a crash does; an answer that is not whole is cut off.
    public func close() { end(.cutOff) }

    public func whenClientGoes(_ tell: @escaping @Sendable () -> Void) {
        let end = state.withLock { state in
            if state.end == nil { state.onGone.append(tell) }
            return state.end
        }
        if let end, end != .whole { tell() }
    }

    public func writeHead(_ head: HTTPResponse) async throws {
        try await pass { state in
            if head.status == .noContent || head.status == .notModified { state.carriesBody = false }
            return true
        }
        try await sink.writeHead(head)
    }

    public func writeChunk(_ bytes: [UInt8]) async throws {
        guard try await pass({ $0.carriesBody }) else { return }
        try await sink.writeChunk(bytes)
        await dawdle()
    }

    public func finish(trailers: HTTPFields?) async throws {
        try await pass { _ in true }
        try await sink.finish(trailers: trailers)
        end(.whole)
    }

    /// A core that has crashed writes nothing; one that has been hung up on is told so.
    @discardableResult
    private func pass(_ body: (inout State) -> Bool) async throws -> Bool {
        await SimCore.fence()
        return try state.withLock { state in
            guard state.end == nil else { throw Closed() }
            return body(&state)
        }
    }

    private func end(_ end: End) {
        let tell = state.withLock { state -> [@Sendable () -> Void] in
            guard state.end == nil else { return [] }
            state.end = end
            defer { state.onGone = [] }
            return end == .whole ? [] : state.onGone
        }
        for tell in tell { tell() }
        ended.open()
    }
}
