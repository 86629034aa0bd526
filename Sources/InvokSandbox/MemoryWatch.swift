import CLinux
import Glibc
import InvokPOSIX
import InvokRuntimes
import Synchronization

/// Ends sandboxes that take more memory than they may, where no control group does: looks once a second, on a thread of its
/// own, at what their processes use, and again a moment later before it ends one. While none runs it does not look.
final class MemoryWatch: Sendable {
    private struct Watched {
        let process: SandboxProcess
        var wasOver = false
    }

    private static let interval = Duration.seconds(1)
    /// A child that shares its parent's memory until it runs another program counts twice for that long (vfork(2)).
    private static let secondLook = Duration.milliseconds(100)

    private let thread: EventThread
    private let timer: Descriptor
    private let watched = Mutex<[pid_t: Watched]>([:])

    init() throws(SystemError) {
        let timer = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC) | Int32(TFD_NONBLOCK))
        guard timer >= 0 else { throw SystemError("timerfd_create") }
        self.timer = Descriptor(timer)
        thread = try EventThread()
        thread.watch(self.timer) { [weak self] in
            var count: UInt64 = 0
            read(timer, &count, 8)
            guard let self else { return .done }
            look()
            return .more
        }
    }

    func add(_ process: SandboxProcess) {
        watched.withLock { watched in
            if watched.isEmpty { look(in: Self.interval) }
            watched[process.identifier] = Watched(process: process)
        }
    }

    func remove(_ process: SandboxProcess) {
        watched.withLock { _ = $0.removeValue(forKey: process.identifier) }
    }

    private func look() {
        let processes = watched.withLock { $0.values.map(\.process) }
        guard !processes.isEmpty else { return }
        let snapshot = ProcessSnapshot.take()
        let over = Set(
            processes.filter { Self.isOver($0.identifier, $0.limits.memoryBytes, snapshot) }.map(\.identifier))
        let ending = watched.withLock { watched in
            var ending: [SandboxProcess] = []
            for identifier in watched.keys {
                let isOver = over.contains(identifier)
                if isOver, let known = watched[identifier], known.wasOver { ending.append(known.process) }
                watched[identifier]?.wasOver = isOver
            }
            if !watched.isEmpty { look(in: over.count > ending.count ? Self.secondLook : Self.interval) }
            return ending
        }
        for process in ending { process.endForMemory() }
    }

    /// Whether a process and all below it have more in memory than that.
    static func isOver(_ root: pid_t, _ limit: Int, _ snapshot: ProcessSnapshot) -> Bool {
        let tree = snapshot.tree(of: root)
        guard tree.reduce(0, { $0 + snapshot.bytes(of: $1) }) > limit else { return false }
        // Forks share what neither has written to, and it is there once.
        return tree.reduce(0) { $0 + (ProcessUse.share(of: $1) ?? snapshot.bytes(of: $1)) } > limit
    }

    private func look(in time: Duration) {
        let (seconds, attoseconds) = time.components
        var setting = itimerspec()
        setting.it_value = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        timerfd_settime(timer.number, 0, &setting, nil)
    }
}
