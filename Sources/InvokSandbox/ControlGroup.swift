import Glibc
import InvokPOSIX
import InvokRuntimes

/// The control groups of one sandbox: one directory in each hierarchy.
struct ControlGroup: Sendable {
    let hierarchies: [ControlGroups.Hierarchy]
    let name: String

    private var directories: [String] { hierarchies.map { $0.directory + "/" + name } }

    func create(_ limits: ResourceLimits) throws(SystemError) {
        for hierarchy in hierarchies {
            let directory = hierarchy.directory + "/" + name
            try Files.makeDirectories(directory, mode: 0o755)
            for controller in hierarchy.controllers {
                for (file, value, isOptional) in Self.settings(controller, hierarchy.version, limits) {
                    do {
                        try Files.put(value, into: directory + "/" + file)
                    } catch {
                        // Kernels without swap accounting lack that file.
                        guard isOptional && error.code == ENOENT else { throw error }
                    }
                }
            }
        }
    }

    static func settings(
        _ controller: ControlGroups.Controller, _ version: ControlGroups.Version, _ limits: ResourceLimits
    ) -> [(file: String, value: String, isOptional: Bool)] {
        let quota = Int((limits.cpus * 100_000).rounded())
        return switch (controller, version) {
        case (.memory, .one):
            [
                ("memory.limit_in_bytes", "\(limits.memoryBytes)", false),
                ("memory.memsw.limit_in_bytes", "\(limits.memoryBytes)", true),
            ]
        case (.memory, .two):
            [("memory.max", "\(limits.memoryBytes)", false), ("memory.swap.max", "0", true)]
        case (.pids, _): [("pids.max", "\(limits.processes)", false)]
        case (.cpu, .one): [("cpu.cfs_period_us", "100000", false), ("cpu.cfs_quota_us", "\(quota)", false)]
        case (.cpu, .two): [("cpu.max", "\(quota) 100000", false)]
        }
    }

    /// Moves a process in; what it forks later is in as well.
    func attach(_ process: pid_t) throws(SystemError) {
        for directory in directories { try Files.put("\(process)", into: directory + "/cgroup.procs") }
    }

    /// How many processes the kernel ended in it for want of memory.
    var outOfMemoryKills: Int {
        for hierarchy in hierarchies where hierarchy.controllers.contains(.memory) {
            let file = hierarchy.version == .one ? "memory.oom_control" : "memory.events"
            let lines = (Files.text("\(hierarchy.directory)/\(name)/\(file)") ?? "").split(separator: "\n")
            for line in lines where line.hasPrefix("oom_kill ") { return Int(line.dropFirst(9)) ?? 0 }
        }
        return 0
    }

    /// Ends whatever is in it, waits until that is gone, and removes it. Blocks for some milliseconds.
    func remove() {
        for directory in directories {
            for attempt in 0..<50 {
                Self.endProcesses(in: directory)
                if rmdir(directory) == 0 || errno == ENOENT { break }
                // A process that has ended may count for a moment longer; nothing tells when it does not any more.
                if attempt > 0 { usleep(1000 * useconds_t(attempt)) }
            }
        }
    }

    private static func endProcesses(in directory: String) {
        let processes = (Files.text(directory + "/cgroup.procs") ?? "").split(separator: "\n").compactMap { pid_t($0) }
        let handles = processes.compactMap { try? Descriptor.process($0) }
        for process in processes where process > 0 { kill(process, SIGKILL) }
        for handle in handles { _ = handle.waitReadable(milliseconds: 1000) }
    }
}
