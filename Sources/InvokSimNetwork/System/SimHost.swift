import Dispatch
import Invok
import InvokSim
import NIOCore

/// A process on the simulated network, and its event loops. When it ends, its connections do.
///
/// Used on the simulation's thread only.
package final class SimHost: EventLoopGroup, @unchecked Sendable {
    let name: String
    /// For whom its event loops work; `nil` for what lies outside of all cores.
    let core: SimCore?
    private(set) var isRunning = true
    private(set) var loops: [SimEventLoop] = []
    private var lastLoop = 0
    private let clock: SimClock
    private var timers: [Int: (timer: SimTimer, fail: () -> Void)] = [:]
    private var channels: [Int: SimChannel] = [:]
    private var listeners: [Int: () -> Void] = [:]
    private var lastNumber = 0

    init(name: String, core: SimCore?, loops count: Int, clock: SimClock) {
        self.name = name
        self.core = core
        self.clock = clock
        loops = (0..<count).map { _ in SimEventLoop(of: self, clock: clock) }
    }

    // MARK: EventLoopGroup

    package func next() -> any EventLoop { nextLoop() }
    package func any() -> any EventLoop { loops[0] }
    package func makeIterator() -> EventLoopIterator { EventLoopIterator(loops) }

    package func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        preconditionFailure("a simulated process is ended by `end`")
    }

    func nextLoop() -> SimEventLoop {
        lastLoop = (lastLoop + 1) % loops.count
        return loops[lastLoop]
    }

    // MARK: What ends with it

    private func nextNumber() -> Int {
        lastNumber += 1
        return lastNumber
    }

    func add(_ timer: SimTimer, fail: @escaping () -> Void) -> Int {
        let number = nextNumber()
        timers[number] = (timer, fail)
        return number
    }

    func removeTimer(_ number: Int) { timers[number] = nil }

    func add(_ channel: SimChannel) -> Int {
        let number = nextNumber()
        channels[number] = channel
        return number
    }

    func removeChannel(_ number: Int) { channels[number] = nil }

    /// - Parameter close: takes it away.
    func addListener(_ close: @escaping () -> Void) -> Int {
        let number = nextNumber()
        listeners[number] = close
        return number
    }

    func removeListener(_ number: Int) { listeners[number] = nil }

    /// The process ends where it stands: nothing that it does from now on reaches anybody. The other ends of its connections
    /// see what the system does with those that a process leaves open.
    package func end() {
        guard isRunning else { return }
        isRunning = false
        for close in listeners.sorted(by: { $0.key < $1.key }) { close.value() }
        listeners = [:]
        let channels = channels.sorted { $0.key < $1.key }.map(\.value)
        for channel in channels { channel.socketCloses() }
        // Nothing is left that waits for what comes no more.
        let timers = timers.sorted { $0.key < $1.key }.map(\.value)
        self.timers = [:]
        for (timer, fail) in timers {
            clock.cancel(timer)
            fail()
        }
        for channel in channels { channel.close(promise: nil) }
        while loops.contains(where: \.hasWork) { for loop in loops { loop.drain() } }
    }
}
