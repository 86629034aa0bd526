import CLinux
import Glibc
import Invok
import InvokEgress
import InvokInit
import InvokPOSIX
import InvokRuntimes
import Synchronization

/// Makes sandboxes. All are started from one thread that lives as long as this object: the kernel ends them with it.
///
/// Bubblewrap reads its options from a pipe before it does anything. That pipe is filled only once it is in its control
/// groups and has its limits, so nothing of a function ever runs outside of them. What it starts is `invok-init`, which
/// hears what to run only once it is confined, and should the core die before, never.
final class SandboxLauncher: Sendable {
    let bubblewrap: String
    let base: SandboxBase
    let groups: ControlGroups
    let enforcement: LimitEnforcement
    let users: UserIDPool
    /// Whether each user gets a namespace of its own, where the core is root.
    let hasUserNamespaces = Atomic(true)
    private let filter: SeccompFilter
    private let program: Descriptor
    private let nothing: Descriptor
    private let starter: EventThread
    private let events: EventThread
    private let janitor: EventThread
    /// Where there is no control group for memory.
    private let memory: MemoryWatch?
    private let count = Atomic<UInt64>(0)

    /// - Parameter program: the path of `invok-init`.
    init(
        bubblewrap: String, base: SandboxBase, groups: ControlGroups, enforcement: LimitEnforcement, users: UserIDPool,
        filter: SeccompFilter, program: String
    ) throws(SystemError) {
        self.bubblewrap = bubblewrap
        self.base = base
        self.groups = groups
        self.enforcement = enforcement
        self.users = users
        self.filter = filter
        self.program = try Descriptor.open(program, O_RDONLY)
        nothing = try Descriptor.open("/dev/null", O_RDONLY)
        starter = try EventThread()
        events = try EventThread()
        janitor = try EventThread()
        memory = enforcement.memory == .watch ? try MemoryWatch() : nil
    }

    deinit { groups.remove() }

    /// Starts a sandbox.
    /// - Parameters:
    ///   - network: the namespace that it is started in, if it has one.
    ///   - listening: makes what is passed on as descriptor 3; the core keeps no copy of it.
    func launch(
        _ sandbox: Sandbox, output: Descriptor, errors: Descriptor, network: Descriptor? = nil,
        listening: (@Sendable () throws(SystemError) -> Descriptor)? = nil
    ) async -> Result<SandboxProcess, LaunchError> {
        await starter.run { [self] in
            do throws(LaunchError) {
                let process = try start(sandbox, [nothing, output, errors], network, listening)
                memory?.add(process)
                process.observe(on: events)
                handOver(sandbox.command(hasListener: listening != nil).bytes, to: process)
                return .success(process)
            } catch {
                return .failure(error)
            }
        }
    }

    /// Calls the handler on the events' thread whenever the descriptor is readable.
    func watch(_ descriptor: Descriptor, _ handler: @escaping EventThread.Handler) { events.watch(descriptor, handler) }

    /// Runs what blocks on the file system or the kernel.
    func blocking<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value { await janitor.run(work) }

    /// Removes what is left of a sandbox that has ended, and with it whatever still runs inside.
    func cleanUp(_ process: SandboxProcess) async {
        memory?.remove(process)
        await blocking { [users] in
            process.group?.remove()
            if case .switched(let id) = process.user { users.giveBack(id) }
        }
    }

    /// Sends the command as soon as there is somebody who can do no more with it than it can itself.
    private func handOver(_ command: [UInt8], to process: SandboxProcess) {
        guard let control = process.control else { return }
        events.watch(control) {
            do throws(SystemError) {
                guard try HandOver.isConfined(control) else { return .more }
                try HandOver.send(command, to: control)
            } catch {
                // It has said why on its standard error, or ends now that this end is closed.
                process.letGo()
            }
            return .done
        }
    }

    private func start(
        _ sandbox: Sandbox, _ descriptors: [Descriptor], _ network: Descriptor?,
        _ listening: (@Sendable () throws(SystemError) -> Descriptor)?
    ) throws(LaunchError) -> SandboxProcess {
        let user = try takeUser()
        do throws(SystemError) {
            var descriptors = descriptors
            if let listening { descriptors.append(try listening()) }
            return try start(sandbox, descriptors, in: network, as: user)
        } catch {
            if case .switched(let id) = user { users.giveBack(id) }
            throw .failed(error)
        }
    }

    private func takeUser() throws(LaunchError) -> Sandbox.User {
        guard geteuid() == 0 else { return .mapped }
        guard let id = users.take() else { throw .noFreeUser }
        return .switched(id)
    }

    private func start(
        _ sandbox: Sandbox, _ descriptors: [Descriptor], in network: Descriptor?, as user: Sandbox.User
    ) throws(SystemError) -> SandboxProcess {
        let name = String(count.wrappingAdd(1, ordering: .relaxed).newValue, radix: 36)
        let options = try Descriptor.pipeForWriting()
        let control = try HandOver.pair()
        let all = descriptors + [options.reading, control.theirs, program]
        // By its descriptor, the program needs no place inside.
        let arguments = ["--args", "\(all.count - 3)", "--", "/proc/self/fd/\(all.count - 1)", "\(all.count - 2)"]
        let begin = { () throws(SystemError) in try spawn(self.bubblewrap, arguments, descriptors: all) }
        let process: pid_t
        if let network {
            // A child is in the network of the thread that started it.
            process = try NetworkNamespace.within(network, begin)
        } else {
            process = try begin()
        }
        var group: ControlGroup?
        do throws(SystemError) {
            let handle = try Descriptor.process(process)
            if !groups.hierarchies.isEmpty { group = try groups.makeGroup(name, limits: sandbox.limits.withInit) }
            try group?.attach(process)
            try limit(process, sandbox.limits)
            if sandbox.niceness > 0 {
                setpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(process), sandbox.niceness)
            }
            let isolation = sandbox.options(base: base, user: user)
            try options.writing.writeAll(isolation.flatMap { Array($0.utf8) + [0] })
            let setup = sandbox.setup(
                user: user, hasUserNamespaces: hasUserNamespaces.load(ordering: .relaxed),
                countsProcesses: enforcement.countsProcesses, filter: filter.bytes)
            try HandOver.send(setup.bytes, to: control.ours)
            return SandboxProcess(
                identifier: process, handle: handle, control: control.ours, group: group, user: user,
                limits: sandbox.limits)
        } catch {
            kill(process, SIGKILL)
            _ = retrying { Int(waitpid(process, nil, 0)) }
            group?.remove()
            throw error
        }
    }

    /// Sets the limits that bubblewrap's children inherit (getrlimit(2)).
    private func limit(_ process: pid_t, _ limits: ResourceLimits) throws(SystemError) {
        var own = rlimit()
        getrlimit(__rlimit_resource_t(Limit.openFiles), &own)
        var values = [
            (Limit.core, 0), (Limit.fileSize, limits.fileBytes),
            (Limit.openFiles, min(limits.openFiles, Int(clamping: own.rlim_max))),
        ]
        // What a runtime takes at once is over before anybody looks.
        if memory != nil { values.append((Limit.data, limits.memoryBytes + limits.mappedSlackBytes)) }
        for (resource, value) in values {
            guard linux_prlimit(process, resource, UInt64(value)) == 0 else { throw SystemError("prlimit") }
        }
    }

    private enum Limit {
        static let fileSize: Int32 = 1
        static let data: Int32 = 2
        static let core: Int32 = 4
        static let openFiles: Int32 = 7
    }
}

/// Why a sandbox could not be started.
enum LaunchError: Error, Hashable, Sendable {
    case failed(SystemError)
    /// More sandboxes run than there are users for.
    case noFreeUser

    var description: String {
        switch self {
        case .failed(let error): "the sandbox could not be started: \(error)"
        case .noFreeUser: "too many sandboxes run on this machine"
        }
    }
}

extension ResourceLimits {
    /// With room for bubblewrap's own two processes, which are in the group too.
    fileprivate var withInit: ResourceLimits {
        var limits = self
        limits.processes += 2
        return limits
    }
}

extension Descriptor {
    /// A pipe whose reader takes all at its own time: both ends block.
    fileprivate static func pipeForWriting() throws(SystemError) -> (reading: Descriptor, writing: Descriptor) {
        var ends: [Int32] = [-1, -1]
        guard linux_pipe2(&ends, O_CLOEXEC) == 0 else { throw SystemError("pipe2") }
        return (Descriptor(ends[0]), Descriptor(ends[1]))
    }
}
