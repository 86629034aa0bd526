import Glibc
import Invok
import InvokPOSIX

/// What holds sandboxes to their limits of memory and processes on this machine. Control groups do where they can be used;
/// else the limits of processes (getrlimit(2)), and a watch for what those cannot see together.
struct LimitEnforcement: Hashable, Sendable {
    enum Memory: Hashable, Sendable {
        case controlGroup
        /// RLIMIT_DATA for each process, and `MemoryWatch` for all of a sandbox.
        case watch
        case nothing
    }

    enum Processes: Hashable, Sendable {
        case controlGroup
        /// RLIMIT_NPROC, where what the kernel counts is the sandbox's alone.
        case count
        case nothing
    }

    /// What of this machine decides.
    struct Machine: Hashable, Sendable {
        /// Whether each sandbox has a user of its own, as under root.
        var hasOwnUsers: Bool
        /// The kernel's version; since Linux 5.14 it counts a user's processes in each user namespace apart
        /// (user_namespaces(7)), and without control groups of one.
        var kernel: String
        /// Whether `/proc` tells what processes use (proc_pid_status(5): since Linux 4.5).
        var showsUse: Bool

        static var this: Machine {
            var name = utsname()
            uname(&name)
            let release = withUnsafeBytes(of: &name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            return Machine(
                hasOwnUsers: geteuid() == 0, kernel: release,
                showsUse: (Files.read("/proc/self/status").flatMap(ProcessUse.init)?.hasMemory) ?? false)
        }

        /// Whether the kernel's count of a user's processes is that of one sandbox.
        var countsApart: Bool {
            let numbers = kernel.split { !$0.isNumber }.prefix(2).map { Int($0) ?? 0 }
            return hasOwnUsers || !numbers.lexicographicallyPrecedes([5, 14])
        }
    }

    let memory: Memory
    let processes: Processes
    /// Whether RLIMIT_NPROC may be set at all: it also holds where a control group does.
    let countsProcesses: Bool

    /// - Parameter missing: the control groups that cannot be used.
    init(missing: [ControlGroups.Controller], on machine: Machine) {
        countsProcesses = machine.countsApart
        memory = !missing.contains(.memory) ? .controlGroup : machine.showsUse ? .watch : .nothing
        processes = !missing.contains(.pids) ? .controlGroup : machine.countsApart ? .count : .nothing
    }

    /// What nothing limits.
    var unlimited: [String] {
        (memory == .nothing ? ["memory"] : []) + (processes == .nothing ? ["processes"] : [])
    }

    /// Why a core does not start here, and what to do; `nil` where all is limited.
    var refusal: String? {
        guard !unlimited.isEmpty else { return nil }
        return """
            functions' \(unlimited.joined(separator: " and ")) cannot be limited here: there is no control group for them \
            that this user may use, and this kernel has nothing in its place. Run the server as root, or by systemd with a \
            group of its own (Delegate=yes; 'systemd-run --user -p Delegate=yes …'), or set INVOK_ALLOW_UNLIMITED=1 to \
            let functions take what they like
            """
    }

    /// What the operator should know of it, a sentence each.
    var warnings: [String] {
        var warnings = unlimited.map { "nothing limits functions' \($0), as INVOK_ALLOW_UNLIMITED=1 allows" }
        if memory == .watch {
            warnings.append(
                "functions' memory is looked at once a second, since there is no control group for it: what takes more than "
                    + "its limit is ended only then; see Delegate= of systemd.resource-control(5)")
        }
        if processes == .count {
            warnings.append(
                "functions' processes are limited by RLIMIT_NPROC, since there is no control group for them")
        }
        return warnings
    }
}

extension Runtime {
    /// What a process of this runtime maps beyond what it uses, in bytes, as measured: RLIMIT_DATA has to leave room for it.
    /// RLIMIT_AS would not do at all: Go and Node reserve address space by the gigabyte.
    /// - Parameter concurrency: the requests that it answers at a time.
    func mappedSlack(concurrency: Int) -> Int {
        switch self {
        case .go: 192 << 20
        case .nodejs: 704 << 20
        // Each thread has a stack.
        case .python: (64 + 8 * concurrency) << 20
        }
    }
}
