import Glibc
import InvokPOSIX

/// The leaf that a core moves itself into, within a control group of version 2 that was delegated to it (`Delegate=yes` of
/// systemd.resource-control(5)): a group with processes cannot hand on its controllers (cgroups(7), "no internal processes").
enum CoreGroup {
    private static let name = "core.invok"

    /// Moves a process from the group into the leaf, where that could help.
    /// - Parameters:
    ///   - group: the directory of the group that the process is in.
    ///   - wanted: the controllers that are to be handed on.
    /// - Returns: whether it is there now.
    static func makeRoom(
        in group: String, for wanted: Set<ControlGroups.Controller>, process: pid_t = getpid()
    ) -> Bool {
        let offered = ControlGroups.words(of: group + "/cgroup.controllers")
        guard wanted.contains(where: { offered.contains($0.rawValue) }) else { return false }
        return move(process, into: group)
    }

    static func move(_ process: pid_t, into group: String) -> Bool {
        let leaf = group + "/" + name
        guard (try? Files.makeDirectories(leaf, mode: 0o755)) != nil else { return false }
        if (try? Files.put("\(process)", into: leaf + "/cgroup.procs")) != nil { return true }
        rmdir(leaf)
        return false
    }

    /// Takes it back: somebody else is in the group as well.
    static func undo(in group: String, process: pid_t = getpid()) {
        try? Files.put("\(process)", into: group + "/cgroup.procs")
        rmdir(group + "/" + name)
    }

    /// The path of the group that a process was in before it made room; empty for the hierarchy's root.
    static func withoutRoom(_ path: String) -> String {
        let outer = path.hasSuffix("/" + name) ? String(path.dropLast(name.count + 1)) : path
        return outer == "/" ? "" : outer
    }
}
