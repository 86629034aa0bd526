import Invok
import Synchronization

/// A service with a queue, in virtual time: a number of servers (M/G/k), first come, first served, so that load makes
/// waiting. With a quantum it is a processor instead, whose jobs take turns (round robin scheduling).
///
/// It holds no jobs: which server is free at what time says all, so that a job costs one sleep for each of its turns.
package final class SimQueue: Sendable {
    private struct State {
        /// When each server has done all that it was given.
        var freeAt: [Instant]
        /// By what jobs take longer, and until when.
        var slowness = 1
        var slowUntil = Instant(nanoseconds: 0)
    }

    private let state: Mutex<State>
    private let quantum: Duration?
    private let clock: any Clock

    /// - Parameters:
    ///   - servers: jobs at a time, at least 1.
    ///   - quantum: for how long a job is served at a time; `nil` for to its end.
    package init(servers: Int, quantum: Duration? = nil, clock: any Clock) {
        state = Mutex(State(freeAt: Array(repeating: clock.now(), count: max(1, servers))))
        self.quantum = quantum
        self.clock = clock
    }

    /// Waits for a server and for as long as the job takes of it. A task that is cancelled does not wait.
    /// - Parameter demand: how long the job takes when nothing is slow.
    package func serve(_ demand: Duration) async {
        var left = demand
        while left > .zero {
            let turn = min(left, quantum ?? left)
            left -= turn
            do { try await clock.sleep(until: reserve(turn)) } catch { return }
        }
    }

    /// Lets all jobs that begin in that time take longer.
    /// - Parameter factor: how many times as long, at least 1.
    package func slow(by factor: Int, for duration: Duration) {
        let end = clock.now().advanced(by: duration)
        state.withLock { state in
            state.slowness = factor
            state.slowUntil = end
        }
    }

    /// For how long a job that came now would wait.
    package var wait: Duration {
        let now = clock.now()
        return state.withLock { now.duration(to: max(now, $0.freeAt.min() ?? now)) }
    }

    /// - Returns: when the turn is over.
    private func reserve(_ turn: Duration) -> Instant {
        let now = clock.now()
        return state.withLock { state in
            var first = 0
            for index in state.freeAt.indices where state.freeAt[index] < state.freeAt[first] { first = index }
            let begin = max(now, state.freeAt[first])
            let end = begin.advanced(by: turn * (now < state.slowUntil ? state.slowness : 1))
            state.freeAt[first] = end
            return end
        }
    }
}
