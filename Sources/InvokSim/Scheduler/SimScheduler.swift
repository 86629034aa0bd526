import CSimulation

/// Runs all jobs of one simulation on one thread, in an order that follows from a seed.
///
/// Every job that is ready may be the next one: that is how a simulation finds orders that a real executor rarely shows.
public final class SimScheduler {
    /// How a run ended.
    public enum End: Hashable, Sendable {
        /// The root task returned.
        case finished
        /// Nothing is ready, no timer is set, and the root task has not returned.
        case deadlock
        /// So many steps ran as were allowed.
        case stepLimit
        /// The caller had seen enough.
        case stopped
    }

    /// What a run came to.
    public struct Report: Hashable, Sendable {
        public let end: End
        public let steps: Int
        public let hash: TraceHash
        public let foreignJobs: Int
    }

    /// Jobs that other threads have made ready while a simulation ran.
    public struct Strays: Hashable, Sendable {
        /// Of tasks that have run in the simulation; seen when it watches.
        public let own: Int
        /// Of any task of the process: none, where nothing runs but the one simulation.
        public let any: Int
    }

    /// What may be next.
    private enum Ready {
        case job(UnownedJob)
        case turn(any SimTurn)
    }

    private let isFinished = SimLatch()
    private var ready: [Ready] = []
    private var random: SimGenerator
    /// Jobs run so far.
    public private(set) var steps = 0
    /// Over every choice, so that two runs that choose alike have the same (FNV-1a).
    public private(set) var hash = TraceHash()
    /// Jobs that waited for a real clock: none, or the run is not a function of its seed.
    public private(set) var foreignJobs = 0
    private let watch: SimWatch?
    private var platformJobs = 0

    /// - Parameter watches: whether `strays` tells which jobs were this simulation's, which takes time.
    public init(seed: UInt64, watches: Bool = false) {
        watch = watches ? SimWatch() : nil
        random = SimRandomness(seed: seed).stream("schedule").generator
    }

    package static var current: SimScheduler? {
        invok_simulation_current().map { Unmanaged<SimScheduler>.fromOpaque($0).takeUnretainedValue() }
    }

    func enqueue(_ job: UnownedJob) {
        watch?.note(job)
        ready.append(.job(job))
    }

    /// Has a turn come, once, in the simulation of this thread; where there is none, or it is over, never.
    package static func enqueue(_ turn: any SimTurn) { current?.ready.append(.turn(turn)) }

    /// What came from other threads during the run.
    public var strays: Strays { Strays(own: watch?.strayJobs ?? 0, any: platformJobs) }

    func enqueueForeign(_ job: UnownedJob) {
        foreignJobs += 1
        enqueue(job)
    }

    /// Runs `root` and all that it starts on this thread until `root` returns.
    /// - Parameters:
    ///   - stepLimit: jobs to run at most.
    ///   - isOver: asked before each step; `true` ends the run there.
    ///   - onIdle: makes something ready, by moving time on; returns `false` when there is nothing to wait for.
    @available(macOS 26.4, *)
    public func run(
        stepLimit: Int = .max, isOver: () -> Bool = { false }, onIdle: () -> Bool,
        root: @escaping @Sendable () async -> Void
    ) -> End {
        begin(root)
        return run(stepLimit: stepLimit, isOver: isOver, onIdle: onIdle)
    }

    /// Makes the root task, which waits here for its first step.
    private func begin(_ root: @escaping @Sendable () async -> Void) {
        asCurrent { [isFinished] in
            _ = Task {
                await root()
                isFinished.open()
            }
        }
    }

    @available(macOS 26.4, *)
    private func run(stepLimit: Int = .max, isOver: () -> Bool, onIdle: () -> Bool) -> End {
        watch?.begin()
        let before = SimWatch.platformJobCount
        defer {
            platformJobs += SimWatch.platformJobCount - before
            watch?.end()
        }
        return asCurrent {
            while !isFinished.isOpen {
                if steps >= stepLimit { return .stepLimit }
                if isOver() { return .stopped }
                while ready.isEmpty { guard onIdle() else { return .deadlock } }
                step()
            }
            return .finished
        }
    }

    /// What the thread's tasks make ready comes here as long as the body runs.
    private func asCurrent<Value>(_ body: () -> Value) -> Value {
        let outer = invok_simulation_current()
        invok_simulation_set_current(Unmanaged.passUnretained(self).toOpaque())
        defer { invok_simulation_set_current(outer) }
        return body()
    }

    /// Runs a simulation on a thread of its own. `root` has the task-local values of the caller, so that a test knows
    /// what is expected in it as its own.
    /// - Returns: how it ended, and the scheduler.
    @available(macOS 26.4, *)
    public static func run(
        seed: UInt64, isOver: @escaping @Sendable () -> Bool = { false }, onIdle: @escaping @Sendable () -> Bool,
        root: @escaping @Sendable () async -> Void
    ) async -> Report {
        // Handed over from this thread to the other one.
        nonisolated(unsafe) let scheduler = SimScheduler(seed: seed)
        scheduler.begin(root)
        return await SimThread.run {
            let end = scheduler.run(isOver: isOver, onIdle: onIdle)
            return Report(
                end: end, steps: scheduler.steps, hash: scheduler.hash, foreignJobs: scheduler.foreignJobs)
        }
    }

    @available(macOS 26.4, *)
    private func step() {
        let choice = random.below(ready.count)
        hash.add(UInt64(choice) << 32 | UInt64(ready.count))
        steps += 1
        ready.swapAt(choice, ready.count - 1)
        switch ready.removeLast() {
        case .job(let job): Self.execute(job)
        case .turn(let turn): turn.run()
        }
    }
}

/// What is no task and has something to do, such as an event loop.
package protocol SimTurn: AnyObject {
    func run()
}

/// FNV-1a over 64-bit words.
public struct TraceHash: Hashable, Sendable {
    public private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    public init() {}

    public mutating func add(_ word: UInt64) {
        for shift in stride(from: 0, to: 64, by: 16) {
            value = (value ^ (word >> UInt64(shift) & 0xFFFF)) &* 0x0000_0100_0000_01B3
        }
    }
}
