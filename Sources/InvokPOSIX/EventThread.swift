import CLinux
import Glibc
import Synchronization

/// A thread that runs closures in order and calls handlers when descriptors are readable.
///
/// Tasks cannot do this: the kernel ties a sandbox's life to the *thread* that started it (`PR_SET_PDEATHSIG`), and
/// waiting for a child or a pipe would hold a thread of the shared pool. It ends with the last reference, after what
/// was handed to it.
package final class EventThread: Sendable {
    /// What a handler wants next.
    package enum Next: Sendable {
        case more
        /// To be called again only in a while: holds back a writer that is too fast.
        case pause
        case done
    }

    package typealias Handler = @Sendable () -> Next

    private let loop: EventLoop

    package init() throws(SystemError) {
        loop = try EventLoop()
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let context = Unmanaged.passRetained(loop)
        let code = pthread_create(
            &thread, &attributes,
            { context in
                guard let context else { return nil }
                Unmanaged<EventLoop>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            throw SystemError("pthread_create", code: code)
        }
    }

    deinit { loop.submit(nil) }

    /// Runs the closure on the thread, behind what was handed to it before.
    package func submit(_ work: @escaping @Sendable () -> Void) { loop.submit(work) }

    /// Runs the closure on the thread and gives its result.
    package func run<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            submit { continuation.resume(returning: work()) }
        }
    }

    /// Calls the handler on the thread whenever the descriptor is readable or at its end, until it says `done`.
    package func watch(_ descriptor: Descriptor, _ handler: @escaping Handler) {
        loop.submit { [loop] in loop.add(descriptor, handler) }
    }
}

private final class EventLoop: Sendable {
    private struct State {
        var queue: [(@Sendable () -> Void)?] = []
        var handlers: [Int32: (descriptor: Descriptor, handler: EventThread.Handler)] = [:]
    }

    /// A descriptor that is not looked at before its time.
    private struct Paused {
        let number: Int32
        let until: ContinuousClock.Instant
    }

    /// Slow enough to cost nothing, fast enough that nobody sees it.
    private static let pause = Duration.milliseconds(10)

    private let state = Mutex(State())
    private let epoll: Descriptor
    private let wakeUp: Descriptor

    init() throws(SystemError) {
        let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw SystemError("epoll_create1") }
        self.epoll = Descriptor(epoll)
        let wakeUp = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard wakeUp >= 0 else { throw SystemError("eventfd") }
        self.wakeUp = Descriptor(wakeUp)
        control(EPOLL_CTL_ADD, wakeUp)
    }

    /// - Parameter work: `nil` ends the loop.
    func submit(_ work: (@Sendable () -> Void)?) {
        state.withLock { $0.queue.append(work) }
        var one: UInt64 = 1
        write(wakeUp.number, &one, 8)
    }

    func add(_ descriptor: Descriptor, _ handler: @escaping EventThread.Handler) {
        state.withLock { $0.handlers[descriptor.number] = (descriptor, handler) }
        control(EPOLL_CTL_ADD, descriptor.number)
    }

    func run() {
        // A write to a sandbox that has ended is an error, not the end of the core.
        var blocked = sigset_t()
        sigemptyset(&blocked)
        sigaddset(&blocked, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &blocked, nil)
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        // All pauses are of one length, so the first is over first.
        var paused: [Paused] = []
        while true {
            let count = epoll_wait(epoll.number, &events, Int32(events.count), Self.milliseconds(to: paused.first))
            // In each turn, whatever else there is: what others print must not keep a pipe shut.
            resume(&paused)
            for event in events.prefix(max(0, Int(count))) where event.data.fd != wakeUp.number {
                guard call(event.data.fd) == .pause else { continue }
                control(EPOLL_CTL_DEL, event.data.fd)
                paused.append(Paused(number: event.data.fd, until: .now + Self.pause))
            }
            guard runQueue() else { return }
        }
    }

    /// How long the thread may sleep, for epoll_wait(2): not for less than a millisecond, or it would go round.
    private static func milliseconds(to next: Paused?) -> Int32 {
        guard let next else { return -1 }
        let left = ContinuousClock.now.duration(to: next.until).components
        guard left.seconds >= 0, left.attoseconds > 0 || left.seconds > 0 else { return 0 }
        return Int32(clamping: left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000 + 1)
    }

    private func call(_ number: Int32) -> EventThread.Next? {
        guard let entry = state.withLock({ $0.handlers[number] }) else { return nil }
        let next = entry.handler()
        switch next {
        case .more, .pause: break
        case .done:
            control(EPOLL_CTL_DEL, number)
            // The descriptor is closed only now, so its number cannot be another's yet.
            state.withLock { _ = $0.handlers.removeValue(forKey: number) }
        }
        return next
    }

    private func resume(_ paused: inout [Paused]) {
        guard !paused.isEmpty else { return }
        let now = ContinuousClock.now
        let due = paused.prefix { $0.until <= now }
        for pipe in due { control(EPOLL_CTL_ADD, pipe.number) }
        paused.removeFirst(due.count)
    }

    private func runQueue() -> Bool {
        var count: UInt64 = 0
        read(wakeUp.number, &count, 8)
        let queue = state.withLock { state in
            defer { state.queue = [] }
            return state.queue
        }
        for work in queue {
            guard let work else { return false }
            work()
        }
        return true
    }

    private func control(_ operation: Int32, _ number: Int32) {
        var event = epoll_event()
        event.events = EPOLLIN.rawValue
        event.data.fd = number
        epoll_ctl(epoll.number, operation, number, &event)
    }
}
