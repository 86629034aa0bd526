import Foundation

/// How much memory this machine has for functions.
enum MachineMemory {
    /// What a core promises when nobody says: the rest is for itself, builds and the system.
    static let percentPromised = 80

    /// - Parameter isConfined: whether functions count against this process's own control group, as sandboxes do.
    /// - Returns: megabytes (2^20 bytes).
    static func promised(isConfined: Bool) -> Int {
        var bytes = ProcessInfo.processInfo.physicalMemory
        if isConfined, let limit = groupLimits.compactMap(limit).min() { bytes = min(bytes, limit) }
        return max(64, Int(bytes >> 20) * percentPromised / 100)
    }

    /// Of control groups of the second and of the first version, as a container sees its own.
    private static let groupLimits = [
        "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ]

    private static func limit(_ path: String) -> UInt64? {
        guard let text = FileManager.default.contents(atPath: path) else { return nil }
        return UInt64(String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
    }
}
