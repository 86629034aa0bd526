import Invok
import Synchronization

/// One simulated instance: it counts its requests, and ends once.
package final class SimInstance: Sendable {
    package let spec: InstanceSpec
    package let function: SimFunction
    /// Whether it answers its readiness check, once it has started.
    package let becomesReady: Bool
    package let running: RunningInstance

    private struct State: Sendable {
        var requests = 0
        /// Of these, what users asked for; the others are readiness checks.
        var exchanges = 0
        var isAccepting = true
        var isFrozen = false
        /// The core that started it or sent it a request of a user last.
        var user: String?
    }

    private let state = Mutex(State())
    private let output: Mutex<OutputLines>
    private let idle = SimLatch()
    private let ended = SimLatch()

    /// - Parameter isFirst: whether the machine has run none of its version before.
    package init(spec: InstanceSpec, function: SimFunction, isFirst: Bool) {
        self.spec = spec
        self.function = function
        becomesReady = function.start == .once ? isFirst : function.start != .never
        running = RunningInstance(spec, at: .unixSocket("/sim/\(spec.id)"))
        output = Mutex(OutputLines(instance: spec.id, now: Instant(nanoseconds: 0)))
    }

    /// Whether nothing is answered any more.
    var isFrozen: Bool { state.withLock { $0.isFrozen } }

    /// Whether it takes requests and would answer its readiness check.
    package var isHealthy: Bool { state.withLock { $0.isAccepting && !$0.isFrozen } && becomesReady }

    /// Notes that the running core starts it or sends it a request of a user, so that it may judge it.
    func noteUse() { noteUse(by: SimCore.current) }

    /// Notes that the core uses it.
    package func noteUse(by core: SimCore?) {
        let core = core?.name
        state.withLock { $0.user = core }
    }

    /// Whether the running core has only found it.
    package var isFound: Bool {
        let core = SimCore.current?.name
        return state.withLock { $0.user != core }
    }

    /// Takes what it prints.
    /// - Returns: the lines for its log.
    func print(_ text: String, now: Instant, time: Timestamp) -> [LogLine] {
        output.withLock { $0.onOutput(text.utf8, of: .stdout, now: now, time: time) }
    }

    /// The lines that wait for a second to end.
    func printRest(time: Timestamp) -> [LogLine] { output.withLock { $0.onEnd(of: .stdout, time: time) } }

    package func freeze() { state.withLock { $0.isFrozen = true } }

    package var requestCount: Int { state.withLock { $0.requests } }

    /// - Parameter isCheck: whether it is a readiness check.
    /// - Returns: the number of users' requests it has now; `nil` when the instance takes no requests any more.
    package func beginRequest(isCheck: Bool) -> Int? {
        if !isCheck, function.answer == .refuse { return nil }
        return state.withLock { state in
            guard state.isAccepting else { return nil }
            state.requests += 1
            if !isCheck { state.exchanges += 1 }
            return state.exchanges
        }
    }

    package func endRequest(isCheck: Bool) {
        let isIdle = state.withLock { state in
            state.requests -= 1
            if !isCheck { state.exchanges -= 1 }
            return !state.isAccepting && state.requests == 0
        }
        if isIdle { idle.open() }
    }

    /// What SIGTERM does: answer what has begun, take nothing new.
    func refuseRequests() {
        let isIdle = state.withLock { state in
            state.isAccepting = false
            return state.requests == 0
        }
        if isIdle { idle.open() }
    }

    /// Waits, after `refuseRequests`, until what has begun is answered, or the task is cancelled.
    func waitUntilIdle() async { _ = await idle.wait() }

    /// Cuts off all that has begun.
    package func end() {
        refuseRequests()
        ended.open()
    }

    /// - Returns: `false` when the task was cancelled before the instance ended.
    package func waitUntilEnded() async -> Bool { await ended.wait() }
}

extension InstanceSpec {
    /// A variable of its author's, or a secret that is one.
    package func variable(_ name: String) -> String? {
        secrets(as: .environment)[name] ?? settings.environment.variables[name]
    }
}
