import CLinux
import Glibc
import Invok
import InvokConcurrency
import InvokPOSIX
import InvokRuntimes
import Synchronization

/// How a sandbox ended.
struct SandboxEnd: Sendable {
    let status: ExitStatus
    /// How many of its processes the kernel ended for want of memory, or the core.
    let outOfMemoryKills: Int
}

/// A sandbox that runs: bubblewrap, which is our child, its init inside, and what that runs.
final class SandboxProcess: Sendable {
    /// Bubblewrap's identifier.
    let identifier: pid_t
    /// `nil` where this machine lets us use no control group.
    let group: ControlGroup?
    let user: Sandbox.User
    let limits: ResourceLimits
    private let handle: Descriptor
    /// Our end of the socket to its init, which ends, and all of it, once this is closed: with the core, or bubblewrap.
    private let socket: Mutex<Descriptor?>
    private let end = OneShot<SandboxEnd>()
    private let tookTooMuchMemory = Atomic(false)

    init(
        identifier: pid_t, handle: Descriptor, control: Descriptor, group: ControlGroup?, user: Sandbox.User,
        limits: ResourceLimits
    ) {
        self.identifier = identifier
        self.handle = handle
        socket = Mutex(control)
        self.group = group
        self.user = user
        self.limits = limits
    }

    /// Has the thread wait for its end, which alone makes the identifier free for others.
    func observe(on thread: EventThread) {
        thread.watch(handle) { [self] in
            var status: Int32 = 0
            let result = retrying { Int(waitpid(identifier, &status, 0)) }
            letGo()
            let exit = result == Int(identifier) ? ExitStatus(waitStatus: status) : ExitStatus(code: 255)
            // Read here, so that the end can be told before anything is cleaned up.
            let kills = (group?.outOfMemoryKills ?? 0) + (tookTooMuchMemory.load(ordering: .relaxed) ? 1 : 0)
            end.signal(SandboxEnd(status: exit, outOfMemoryKills: kills))
            return .done
        }
    }

    /// How it ended, once it has.
    func ended() async -> SandboxEnd { await end.wait() }

    /// The socket to its init; `nil` once it has been let go.
    var control: Descriptor? { socket.withLock { $0 } }

    /// Has its init end, and everything inside with it.
    func letGo() { socket.withLock { $0 = nil } }

    /// Ends all of it at once: its init ends with bubblewrap, and everything inside with its init.
    func kill() { _ = linux_pidfd_send_signal(handle.number, SIGKILL) }

    /// Ends all of it as the kernel does when a control group has no more memory.
    func endForMemory() {
        tookTooMuchMemory.store(true, ordering: .relaxed)
        kill()
    }

    /// Asks the function to end: the init inside passes the signal on, which bubblewrap would not.
    /// - Returns: whether there was anybody to ask.
    func terminate() -> Bool {
        var asked = false
        for initial in Self.children(of: identifier) {
            // The handle first, then the check, so that an identifier that is used again is not hit.
            guard let process = try? Descriptor.process(initial), Self.parent(of: initial) == identifier else {
                continue
            }
            asked = linux_pidfd_send_signal(process.number, SIGTERM) == 0 || asked
        }
        return asked
    }

    private static func children(of process: pid_t) -> [pid_t] {
        Files.names(in: "/proc").compactMap { pid_t($0) }.filter { parent(of: $0) == process }
    }

    /// The fourth field of `/proc/…/stat`; the second, in parentheses, may hold anything.
    private static func parent(of process: pid_t) -> pid_t? {
        guard let text = Files.text("/proc/\(process)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 1 ? pid_t(fields[1]) : nil
    }
}
