public import Invok
import Synchronization

/// The one gate through which every simulated effect goes.
///
/// It counts and traces. With a fault plan it also takes its time, fails, and never returns to a core that has crashed.
public final class SimEffects: Sendable {
    private struct State: Sendable {
        var counts: [String: Int] = [:]
        var recent: [String] = []
        var total = 0
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        /// Until when a port does not answer.
        var hangs: [Substring: Instant] = [:]
    }

    /// How many of the last effects `trace` remembers.
    public static let traceLength = 1000

    private let state = Mutex(State())
    private let clock: (any Clock)?
    private let faults: SimFaultPlan?

    /// - Parameters:
    ///   - clock: what latencies are waited for on.
    ///   - faults: `nil` for effects that take no time and do not fail by themselves.
    public init(clock: (any Clock)? = nil, faults: SimFaultPlan? = nil) {
        self.clock = clock
        self.faults = faults
    }

    /// Runs one effect.
    /// - Parameters:
    ///   - name: `port.call`, the same for each such call: it is what counts and faults go by.
    ///   - detail: what it is about, for the trace; never anything that differs between two runs of one seed.
    ///   - queue: who does it, when many others want that too; `nil` for one who is always free.
    ///   - failure: makes the port's error for an injected fault; `nil` for an effect that cannot fail.
    ///   - torn: what is left of the effect when it breaks off in the middle.
    ///   - body: the effect itself, atomic and without waiting.
    package func perform<Value: Sendable, Failure: Error>(
        _ name: String, _ detail: String = "", at queue: SimQueue? = nil, failure: ((String) -> Failure)?,
        torn: () -> Void = {}, _ body: () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        SimCall.current?.note(name)
        guard let faults else {
            record(name, detail)
            return try body()
        }
        await SimCore.fence()
        if let failure, await isHung(name) { throw failure("hung in the simulation") }
        let fault = faults.draw(for: name)
        await pass(faults.latency() + (fault == .slow ? .seconds(2) : .zero), at: queue)
        record(SimCore.current.map { "\($0.name) \(name)" } ?? name, detail, fault: fault)
        switch (fault, failure) {
        case (.refused, let failure?):
            throw failure("refused by the simulation")
        case (.timedOut, let failure?):
            await pass(SimFaultPlan.timeout)
            throw failure("timed out in the simulation")
        case (.appliedButFailed, let failure?):
            _ = try body()
            await pass(faults.latency())
            throw failure("done, but reported as failed by the simulation")
        case (.tornWrite, let failure?):
            torn()
            throw failure("broken off in the middle by the simulation")
        case (.doubledMessage, _):
            _ = try body()
            fallthrough
        default:
            let value = try body()
            await pass(faults.latency() + (fault == .slowAnswer ? .seconds(5) : .zero))
            return value
        }
    }

    /// Lets no call of the port return before that time has passed.
    package func hang(_ port: Substring, for duration: Duration) {
        guard let clock else { return }
        let end = clock.now().advanced(by: duration)
        state.withLock { $0.hangs[port] = end }
    }

    /// Waits for a port that hangs.
    /// - Returns: whether it hung for so long that the call gave up.
    private func isHung(_ name: String) async -> Bool {
        let port = name.prefix { $0 != "." }
        guard let clock, let patience = SimFault.patience(with: port) else { return false }
        let now = clock.now()
        guard let end = state.withLock({ $0.hangs[port] }), now < end else { return false }
        let limit = now.advanced(by: patience)
        record(name, "hangs")
        await pass(now.duration(to: min(end, limit)))
        return limit < end
    }

    /// What becomes of the next message on its way.
    /// - Returns: after what time it arrives; `nil` when it is lost.
    func delivery() -> Duration? {
        switch faults?.draw(for: SimFault.delivery) {
        case .lostMessage: nil
        case .delayedMessage: faults?.delay()
        default: .zero
        }
    }

    /// Whether nobody hears of the end of an instance.
    func losesExit() -> Bool { faults?.draw(for: SimFault.exit) == .lostExit }

    /// Takes the time of real work, such as a build; none without a fault plan.
    package func work(below limit: Duration, at queue: SimQueue?) async {
        guard let faults else { return }
        await SimCore.fence()
        await pass(faults.work(below: limit), at: queue)
    }

    /// Lets time pass in which nothing is done.
    package func rest(_ duration: Duration) async {
        await SimCore.fence()
        await pass(duration)
    }

    /// Whether an instance that starts now ends by itself soon, and after what time.
    func earlyDeath() -> Duration? {
        guard let faults, faults.draw(for: SimFault.firstMoments) != nil else { return nil }
        return faults.latency() + faults.latency() + faults.latency()
    }

    /// Lets time pass, and goes no further in a core that has crashed meanwhile.
    /// - Parameter queue: whose time it is.
    private func pass(_ duration: Duration, at queue: SimQueue? = nil) async {
        if let queue {
            await queue.serve(duration)
            return await SimCore.fence()
        }
        guard let clock else { return }
        // A cancelled task does not wait; its effect is done all the same.
        try? await clock.sleep(until: clock.now().advanced(by: duration))
        await SimCore.fence()
    }

    /// Runs one effect that cannot fail.
    package func perform<Value: Sendable>(
        _ name: String, _ detail: String = "", at queue: SimQueue? = nil, _ body: () -> Value
    ) async -> Value {
        await perform(name, detail, at: queue, failure: Optional<(String) -> Never>.none, body)
    }

    /// How often each effect ran.
    public var counts: [String: Int] { state.withLock { $0.counts } }

    /// How many effects ran.
    public var total: Int { state.withLock { $0.total } }

    /// The last effects, oldest first.
    public var trace: [String] { state.withLock { $0.recent.suffix(Self.traceLength) } }

    /// A hash over all effects in order (FNV-1a): two runs of one seed have the same.
    public var traceHash: UInt64 { state.withLock { $0.hash } }

    /// Puts something into the trace that is no effect.
    public func note(_ event: String) { record("*", event) }

    private func record(_ name: String, _ detail: String, fault: SimFault? = nil) {
        var event = detail.isEmpty ? name : "\(name) \(detail)"
        if let fault { event += " !\(fault.rawValue)" }
        if let clock { event = "\(clock.now().nanoseconds / 1000) \(event)" }
        state.withLock { state in
            state.counts[name, default: 0] += 1
            state.total += 1
            for byte in event.utf8 { state.hash = (state.hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
            if state.recent.count >= 2 * Self.traceLength { state.recent.removeFirst(Self.traceLength) }
            state.recent.append(event)
        }
    }
}
