import Synchronization

/// The one gate through which every simulated effect goes.
///
/// Today it counts and traces. A scheduler adds latency, faults (refused, applied but reported failed, applied twice) and
/// generation fences here, and nowhere else: that is why an effect comes as a closure.
public final class SimEffects: Sendable {
    private struct State: Sendable {
        var counts: [String: Int] = [:]
        var recent: [String] = []
        var total = 0
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    }

    /// How many of the last effects `trace` remembers.
    public static let traceLength = 1000

    private let state = Mutex(State())

    public init() {}

    /// Runs one effect.
    /// - Parameters:
    ///   - name: `port.call`, the same for each such call: it is what counts and faults go by.
    ///   - detail: what it is about, for the trace; never anything that differs between two runs of one seed.
    ///   - failure: makes the port's error for an injected fault; `nil` for an effect that cannot fail.
    ///   - body: the effect itself, atomic and without waiting.
    func perform<Value: Sendable, Failure: Error>(
        _ name: String, _ detail: String = "", failure: ((String) -> Failure)?, _ body: () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        record(name, detail)
        return try body()
    }

    /// Runs one effect that cannot fail.
    func perform<Value: Sendable>(_ name: String, _ detail: String = "", _ body: () -> Value) async -> Value {
        await perform(name, detail, failure: Optional<(String) -> Never>.none, body)
    }

    /// How often each effect ran.
    public var counts: [String: Int] { state.withLock { $0.counts } }

    /// How many effects ran.
    public var total: Int { state.withLock { $0.total } }

    /// The last effects, oldest first.
    public var trace: [String] { state.withLock { $0.recent.suffix(Self.traceLength) } }

    /// A hash over all effects in order (FNV-1a): two runs of one seed have the same.
    public var traceHash: UInt64 { state.withLock { $0.hash } }

    private func record(_ name: String, _ detail: String) {
        let event = detail.isEmpty ? name : "\(name) \(detail)"
        state.withLock { state in
            state.counts[name, default: 0] += 1
            state.total += 1
            for byte in event.utf8 { state.hash = (state.hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
            if state.recent.count >= 2 * Self.traceLength { state.recent.removeFirst(Self.traceLength) }
            state.recent.append(event)
        }
    }
}
