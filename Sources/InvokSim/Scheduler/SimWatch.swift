import Synchronization
@_spi(ExperimentalCustomExecutors) import _Concurrency

/// Sees jobs that reach a simulation's tasks from another thread, which makes a run no function of its seed.
///
/// Such a job does not come to the scheduler: the executor gives it to the platform, as it does with all that has nothing
/// to do with a simulation. A task that has run in a simulation is known by its number.
final class SimWatch: Sendable {
    /// Those that watch now.
    private static let watches = Mutex<[SimWatch]>([])
    private static let count = Atomic<Int>(0)
    /// Jobs that the process has given to the platform, of simulations and others.
    private static let platformJobs = Atomic<Int>(0)

    private let tasks = Mutex<Set<UInt64>>([])
    private let strays = Atomic<Int>(0)

    /// How many jobs of the tasks that were seen came from another thread.
    var strayJobs: Int { strays.load(ordering: .relaxed) }

    static var platformJobCount: Int { platformJobs.load(ordering: .relaxed) }

    package func begin() {
        Self.watches.withLock { $0.append(self) }
        Self.count.add(1, ordering: .relaxed)
    }

    package func end() {
        Self.watches.withLock { $0.removeAll { $0 === self } }
        Self.count.subtract(1, ordering: .relaxed)
    }

    /// A job comes to the simulation.
    package func note(_ job: UnownedJob) {
        if let task = Self.task(of: job) { tasks.withLock { _ = $0.insert(task) } }
    }

    /// A job goes to the platform.
    static func noteOutside(_ job: UnownedJob) {
        platformJobs.add(1, ordering: .relaxed)
        guard count.load(ordering: .relaxed) > 0 else { return }
        guard let task = task(of: job) else { return }
        for watch in watches.withLock({ $0 }) where watch.tasks.withLock({ $0.contains(task) }) {
            watch.strays.add(1, ordering: .relaxed)
        }
    }

    /// - Returns: `nil` for the job of an actor, which has a number that others have too.
    private static func task(of job: UnownedJob) -> UInt64? {
        if #available(macOS 26.4, *), ExecutorJob(job).kind != .task { return nil }
        return taskNumber(job)
    }
}

/// The number of the task that a job belongs to; what a job's description shows.
@_silgen_name("swift_task_getJobTaskId")
private func taskNumber(_ job: UnownedJob) -> UInt64
