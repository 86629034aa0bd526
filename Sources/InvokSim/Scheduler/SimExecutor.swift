import CSimulation
@_spi(ExperimentalCustomExecutors) @_spi(ExperimentalScheduling) import _Concurrency

/// The process's default executor: a job that comes from a simulation's thread goes to that simulation's scheduler, every
/// other one to the platform's executor.
///
/// A task executor preference is not enough: unstructured tasks and actors do not inherit it.
@available(macOS 26.4, *)
private final class SimExecutor: TaskExecutor, SchedulingExecutor {
    private let platform = PlatformExecutorFactory.defaultExecutor
    private let platformTimers = PlatformExecutorFactory.defaultExecutor as? any SchedulingExecutor

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if let scheduler = SimScheduler.current {
            scheduler.enqueue(job)
        } else {
            SimWatch.noteOutside(job)
            platform.enqueue(ExecutorJob(job))
        }
    }

    /// In a simulation only the clock's port may wait: a job that comes here runs at once and counts as foreign.
    func enqueue<C: _Concurrency.Clock>(
        _ job: consuming ExecutorJob, after delay: C.Duration, tolerance: C.Duration?, clock: C
    ) {
        if let scheduler = SimScheduler.current {
            scheduler.enqueueForeign(UnownedJob(job))
        } else if let platformTimers {
            platformTimers.enqueue(job, after: delay, tolerance: tolerance, clock: clock)
        } else {
            platform.enqueue(job)
        }
    }

    func enqueue<C: _Concurrency.Clock>(
        _ job: consuming ExecutorJob, at instant: C.Instant, tolerance: C.Duration?, clock: C
    ) {
        if let scheduler = SimScheduler.current {
            scheduler.enqueueForeign(UnownedJob(job))
        } else if let platformTimers {
            platformTimers.enqueue(job, at: instant, tolerance: tolerance, clock: clock)
        } else {
            platform.enqueue(job)
        }
    }
}

@available(macOS 26.4, *)
private struct SimExecutorFactory: ExecutorFactory {
    static let mainExecutor: any MainExecutor = PlatformExecutorFactory.mainExecutor
    static let defaultExecutor: any TaskExecutor = SimExecutor()
}

/// Called by `CSimulation` before `main`.
@_cdecl("invok_simulation_install")
public func installSimulationExecutor() {
    if #available(macOS 26.4, *) { _createExecutors(factory: SimExecutorFactory.self) }
}

@available(macOS 26.4, *)
extension SimScheduler {
    /// Runs one job to its next suspension.
    static func execute(_ job: UnownedJob) {
        job.runSynchronously(on: SimExecutorFactory.defaultExecutor.asUnownedTaskExecutor())
    }
}
