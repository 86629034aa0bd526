import Dispatch
import Invok
import InvokSim
import NIOCore

/// An event loop in the simulation: what it is given is done in its order, one thing in each turn that the scheduler gives
/// it, and its time is the simulation's.
///
/// Used on the simulation's thread only.
final class SimEventLoop: EventLoop, SimTurn, CustomStringConvertible, @unchecked Sendable {
    private weak var host: SimHost?
    private let name: String
    private let core: SimCore?
    private let clock: SimClock
    private var queue: [() -> Void] = []
    private var head = 0
    private var isQueued = false
    private(set) var inEventLoop = false

    init(of host: SimHost, clock: SimClock) {
        self.host = host
        name = host.name
        core = host.core
        self.clock = clock
    }

    var description: String { "event loop of \(name)" }

    var now: NIODeadline { .uptimeNanoseconds(UInt64(clock.now().nanoseconds)) }

    // MARK: Turns

    func execute(_ task: @escaping @Sendable () -> Void) {
        queue.append(task)
        guard !isQueued else { return }
        isQueued = true
        SimScheduler.enqueue(self)
    }

    func run() {
        isQueued = false
        runFirst()
        guard head < queue.count else { return }
        isQueued = true
        SimScheduler.enqueue(self)
    }

    private func runFirst() {
        guard head < queue.count else { return }
        let task = queue[head]
        queue[head] = {}
        head += 1
        if head == queue.count {
            queue.removeAll(keepingCapacity: true)
            head = 0
        }
        inEventLoop = true
        defer { inEventLoop = false }
        if let core { SimCore.$current.withValue(core) { task() } } else { task() }
    }

    /// Does all there is to do, at once.
    func drain() { while hasWork { runFirst() } }

    var hasWork: Bool { head < queue.count }

    // MARK: Timers

    func scheduleTask<T>(deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        let promise = makePromise(of: T.self)
        guard let host, host.isRunning else {
            promise.fail(EventLoopError.shutdown)
            return Scheduled(promise: promise, cancellationTask: {})
        }
        let timer = clock.call(at: Instant(nanoseconds: Int64(clamping: deadline.uptimeNanoseconds))) { [self] in
            execute {
                do { promise.assumeIsolated().succeed(try task()) } catch { promise.fail(error) }
            }
        }
        let number = host.add(timer) { promise.fail(EventLoopError.shutdown) }
        promise.futureResult.whenComplete { [weak host] _ in host?.removeTimer(number) }
        return Scheduled(promise: promise) { [clock] in clock.cancel(timer) }
    }

    func scheduleTask<T>(in time: TimeAmount, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        scheduleTask(deadline: now + time, task)
    }

    // MARK: What NIO asks besides

    func preconditionInEventLoop(file: StaticString, line: UInt) {
        precondition(inEventLoop, "not on the event loop", file: file, line: line)
    }

    func preconditionNotInEventLoop(file: StaticString, line: UInt) {
        precondition(!inEventLoop, "on the event loop", file: file, line: line)
    }

    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        preconditionFailure("a simulated event loop ends with its process")
    }
}
