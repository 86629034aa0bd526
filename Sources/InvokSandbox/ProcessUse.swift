import Glibc
import InvokPOSIX

/// What one process is and uses, as `/proc/PID/status` tells it.
struct ProcessUse: Hashable, Sendable {
    let parent: pid_t
    /// Bytes in memory and swapped out that belong to no file on a disk; 0 for one that has ended.
    let bytes: Int
    /// Whether the kernel tells the bytes.
    let hasMemory: Bool

    /// - Parameter status: the file's contents.
    init?(_ status: [UInt8]) {
        guard let parent = Self.value(of: "PPid:", in: status) else { return nil }
        self.parent = pid_t(parent)
        let parts = ["RssAnon:", "RssShmem:", "VmSwap:"].map { Self.value(of: $0, in: status) }
        hasMemory = parts[0] != nil
        bytes = parts.reduce(0) { $0 + ($1 ?? 0) } << 10
    }

    /// The process's own share of what it has in memory with others (proc_pid_smaps(5)), in bytes: what a fork has not
    /// written to yet counts once. Takes the kernel long.
    /// - Returns: `nil` where it does not tell.
    static func share(of process: pid_t) -> Int? {
        guard let rollup = Files.read("/proc/\(process)/smaps_rollup"),
            let anonymous = value(of: "Pss_Anon:", in: rollup)
        else { return nil }
        return (anonymous + (value(of: "Pss_Shmem:", in: rollup) ?? 0) + (value(of: "SwapPss:", in: rollup) ?? 0)) << 10
    }

    /// The number behind the name at the beginning of a line. Without making text of it: hundreds are read each second.
    private static func value(of name: StaticString, in text: [UInt8]) -> Int? {
        name.withUTF8Buffer { name in
            var start = 0
            while start < text.count {
                let end = text[start...].firstIndex(of: 0x0A) ?? text.count
                if text[start..<end].starts(with: name) {
                    let digits = text[(start + name.count)..<end].drop { $0 == 0x20 || $0 == 0x09 }.prefix {
                        48...57 ~= $0
                    }
                    return digits.isEmpty ? nil : digits.reduce(0) { $0 &* 10 &+ Int($1 - 48) }
                }
                start = end + 1
            }
            return nil
        }
    }
}

/// What all processes of the machine use, at about one time.
struct ProcessSnapshot: Sendable {
    private let processes: [pid_t: ProcessUse]
    private let children: [pid_t: [pid_t]]

    init(_ processes: [pid_t: ProcessUse]) {
        self.processes = processes
        children = Dictionary(grouping: processes.keys) { processes[$0]?.parent ?? 0 }
    }

    /// Reads `/proc`.
    static func take() -> ProcessSnapshot {
        var found: [pid_t: ProcessUse] = [:]
        for name in Files.names(in: "/proc") {
            guard let process = pid_t(name), let status = Files.read("/proc/\(name)/status") else { continue }
            found[process] = ProcessUse(status)
        }
        return ProcessSnapshot(found)
    }

    /// What the process uses by itself, in bytes.
    func bytes(of process: pid_t) -> Int { processes[process]?.bytes ?? 0 }

    /// The process and all below it. None escapes it: the first process inside a sandbox takes in those whose parent ends.
    func tree(of root: pid_t) -> Set<pid_t> {
        var found: Set<pid_t> = [root]
        var next = [root]
        while let process = next.popLast() {
            // What was read one after the other need not be a tree.
            for child in children[process] ?? [] where found.insert(child).inserted { next.append(child) }
        }
        return found
    }
}
