import HTTPTypes
import Synchronization

/// One request to a function and its answer, as they pass: remembers what decides whether it may be tried again, and how
/// long the function may still take; its trace hears how much there was of the request.
final class WatchedExchange: Sendable {
    private struct State {
        var deadlines: AnswerDeadlines
        var hasHead = false
        var isTouched = false
        var isTunnel = false
        var onUpgrade: @Sendable () -> Void = {}
    }

    private let state: Mutex<State>
    private let clock: any Clock
    private let limits: Limits
    private let trace: CallTrace

    init(_ limits: Limits, clock: any Clock, _ trace: CallTrace) {
        self.limits = limits
        self.trace = trace
        self.clock = clock
        state = Mutex(State(deadlines: AnswerDeadlines(limits, now: clock.now())))
    }

    /// The time begins anew, with another instance.
    /// - Parameter onUpgrade: called when that takes an upgrade.
    func restart(onUpgrade: @escaping @Sendable () -> Void) {
        let deadlines = AnswerDeadlines(limits, now: clock.now())
        state.withLock { state in
            state.deadlines = deadlines
            state.onUpgrade = onUpgrade
        }
    }

    /// Whether the answer has begun.
    var hasHead: Bool { state.withLock { $0.hasHead } }
    /// Whether the function has taken an upgrade.
    var isTunnel: Bool { state.withLock { $0.isTunnel } }
    /// Whether anything was asked of the request's body.
    var isBodyTouched: Bool { state.withLock { $0.isTouched } }

    func expiry(now: Instant) -> AnswerDeadlines.Expiry? { state.withLock { $0.deadlines.expiry(now: now) } }

    /// When to look for an expiry again, or `nil` when there is one.
    func nextLook(now: Instant) -> Instant? {
        state.withLock { $0.deadlines.expiry(now: now) == nil ? $0.deadlines.nextLook(now: now) : nil }
    }

    fileprivate func reads() {
        state.withLock {
            $0.isTouched = true
            $0.deadlines.onRead()
        }
    }

    fileprivate func hasRead(_ count: Int) {
        let now = clock.now()
        trace.onRequestBytes(count)
        state.withLock { $0.deadlines.onRequestBytes(now: now) }
    }

    fileprivate func answers() {
        state.withLock {
            $0.hasHead = true
            $0.deadlines.onAnswer()
        }
    }

    fileprivate func upgrades() {
        let now = clock.now()
        let onUpgrade = state.withLock { state in
            state.isTunnel = true
            state.deadlines.onUpgraded(now: now)
            return state.onUpgrade
        }
        onUpgrade()
    }

    fileprivate func wasTaken() {
        let now = clock.now()
        state.withLock { $0.deadlines.onTaken(now: now) }
    }

    func body(_ body: any RequestBody) -> any RequestBody { WatchedBody(body, self) }
    func sink(_ sink: any ResponseSink) -> any ResponseSink { WatchedSink(sink, self) }
}

private final class WatchedSink: ResponseSink {
    private let sink: any ResponseSink
    private let exchange: WatchedExchange

    init(_ sink: any ResponseSink, _ exchange: WatchedExchange) {
        self.sink = sink
        self.exchange = exchange
    }

    func writeHead(_ head: HTTPResponse) async throws {
        exchange.answers()
        if head.status == .switchingProtocols { exchange.upgrades() }
        try await sink.writeHead(head)
        exchange.wasTaken()
    }

    func writeChunk(_ bytes: [UInt8]) async throws {
        exchange.answers()
        try await sink.writeChunk(bytes)
        exchange.wasTaken()
    }

    func finish(trailers: HTTPFields?) async throws {
        exchange.answers()
        try await sink.finish(trailers: trailers)
    }
}

private final class WatchedBody: RequestBody {
    private let body: any RequestBody
    private let exchange: WatchedExchange

    init(_ body: any RequestBody, _ exchange: WatchedExchange) {
        self.body = body
        self.exchange = exchange
    }

    var isEmpty: Bool { body.isEmpty }

    func next() async throws -> [UInt8]? {
        exchange.reads()
        let chunk = try await body.next()
        exchange.hasRead(chunk?.count ?? 0)
        return chunk
    }
}
