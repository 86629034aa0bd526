import Glibc
import Invok
import InvokPOSIX
import InvokRuntimes

/// Where this installation's control groups lie, in either version of the kernel's interface (cgroups(7)).
struct ControlGroups: Sendable {
    enum Controller: String, CaseIterable, Sendable {
        case memory
        case pids
        case cpu
    }

    enum Version: Sendable { case one, two }

    struct Hierarchy: Hashable, Sendable {
        let version: Version
        /// The directory under which each sandbox gets its own.
        let directory: String
        let controllers: Set<Controller>
    }

    /// For who is to do without.
    static let none = ControlGroups()

    let hierarchies: [Hierarchy]
    /// Held as long as the groups are in use, so that another core can tell them from those of a dead one.
    private let locks: [Descriptor]

    /// What an installation's group is called begins with this.
    private static let prefix = "invok-"

    /// Those of the installation with this data directory.
    static func of(dataDirectory: String) -> ControlGroups {
        let installation = Digest(of: (Files.realPath(dataDirectory) ?? dataDirectory).utf8)
        return ControlGroups(
            name: prefix + installation.description.prefix(12), mounts: Files.text("/proc/self/mounts") ?? "",
            membership: Files.text("/proc/self/cgroup") ?? "")
    }

    private init() {
        hierarchies = []
        locks = []
    }

    /// Finds what can be used and makes this installation's own group in each hierarchy.
    /// - Parameters:
    ///   - name: the group's name, one for each data directory.
    ///   - mounts: `/proc/self/mounts`.
    ///   - membership: `/proc/self/cgroup`.
    init(name: String, mounts: String, membership: String) {
        var found: [Hierarchy] = []
        var locks: [Descriptor] = []
        var missing = Set(Controller.allCases)
        for mount in Self.parse(mounts: mounts) {
            let own = Self.ownPath(of: mount, in: membership)
            for parent in Self.parents(mountPoint: mount.path, own: own, version: mount.version) {
                let wanted = mount.version == .one ? mount.controllers.intersection(missing) : missing
                guard !wanted.isEmpty else { break }
                let directory = parent + "/" + name
                let make = { Self.make(directory, in: parent, version: mount.version, wanted: wanted) }
                var usable = make()
                if usable.isEmpty, parent == mount.path + own, CoreGroup.makeRoom(in: parent, for: wanted) {
                    usable = make()
                    if usable.isEmpty { CoreGroup.undo(in: parent) }
                }
                guard !usable.isEmpty else { continue }
                if let lock = Self.claim(directory, again: make) { locks.append(lock) }
                found.append(Hierarchy(version: mount.version, directory: directory, controllers: usable))
                missing.subtract(usable)
                break
            }
        }
        hierarchies = found
        self.locks = locks
        for hierarchy in found { Self.removeDead(besides: hierarchy.directory) }
    }

    /// The controllers that this machine does not let us use.
    var missing: [Controller] {
        Controller.allCases.filter { controller in !hierarchies.contains { $0.controllers.contains(controller) } }
    }

    /// Makes the group of one sandbox.
    func makeGroup(_ name: String, limits: ResourceLimits) throws(SystemError) -> ControlGroup {
        let group = ControlGroup(hierarchies: hierarchies, name: name)
        do {
            try group.create(limits)
        } catch {
            group.remove()
            throw error
        }
        return group
    }

    /// Ends whatever an earlier core left in its groups and removes them.
    func removeLeftovers() {
        for hierarchy in hierarchies {
            for name in Files.names(in: hierarchy.directory)
            where Files.isDirectory(hierarchy.directory + "/" + name) {
                ControlGroup(hierarchies: [hierarchy], name: name).remove()
            }
        }
    }

    /// Removes the installation's own group, in which no sandbox may run any more.
    func remove() {
        for hierarchy in hierarchies { rmdir(hierarchy.directory) }
    }

    // MARK: Other installations

    /// Locks the installation's own group. Another core that starts may hold the lock for a moment, and take the group for
    /// a dead one's and remove it: then it is made again.
    /// - Returns: `nil` when somebody else keeps the lock.
    private static func claim(_ directory: String, again make: () -> Set<Controller>) -> Descriptor? {
        for _ in 0..<claimAttempts {
            if let lock = try? lock(directory), isSame(lock, directory) { return lock }
            usleep(claimPauseMicroseconds)
            if !Files.exists(directory) { _ = make() }
        }
        return nil
    }

    private static let claimAttempts = 250
    private static let claimPauseMicroseconds: UInt32 = 2000

    /// Whether the path still names the directory that is open.
    private static func isSame(_ descriptor: Descriptor, _ path: String) -> Bool {
        var (open, named) = (stat(), stat())
        return fstat(descriptor.number, &open) == 0 && stat(path, &named) == 0 && open.st_ino == named.st_ino
    }

    /// - Throws: when there is no such directory any more, or somebody else has the lock.
    private static func lock(_ directory: String) throws(SystemError) -> Descriptor {
        let descriptor = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
        guard flock(descriptor.number, LOCK_EX | LOCK_NB) == 0 else { throw SystemError("lock", directory) }
        return descriptor
    }

    /// Removes the empty groups of cores that were killed and whose data directories may be gone with them. One that
    /// lives has the lock.
    private static func removeDead(besides directory: String) {
        guard let slash = directory.lastIndex(of: "/") else { return }
        let parent = String(directory[..<slash])
        for name in Files.names(in: parent) where name.hasPrefix(prefix) {
            let other = parent + "/" + name
            guard other != directory, let lock = try? lock(other) else { continue }
            // Nothing is ended here: a directory with processes in it stays.
            for child in Files.names(in: other) where Files.isDirectory(other + "/" + child) {
                rmdir(other + "/" + child)
            }
            rmdir(other)
            withExtendedLifetime(lock) {}
        }
    }

    // MARK: Finding

    struct Mount: Hashable, Sendable {
        let path: String
        let version: Version
        let controllers: Set<Controller>
    }

    static func parse(mounts: String) -> [Mount] {
        mounts.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count >= 4 else { return nil }
            switch fields[2] {
            case "cgroup2": return Mount(path: String(fields[1]), version: .two, controllers: [])
            case "cgroup":
                let controllers = Set(fields[3].split(separator: ",").compactMap { Controller(rawValue: String($0)) })
                return controllers.isEmpty
                    ? nil : Mount(path: String(fields[1]), version: .one, controllers: controllers)
            default: return nil
            }
        }
    }

    /// The group this process is in, as the hierarchy's own path.
    static func ownPath(of mount: Mount, in membership: String) -> String {
        for line in membership.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let names = Set(fields[1].split(separator: ",").compactMap { Controller(rawValue: String($0)) })
            let isIt = mount.version == .two ? fields[1].isEmpty : !names.isDisjoint(with: mount.controllers)
            if isIt { return CoreGroup.withoutRoom(String(fields[2])) }
        }
        return ""
    }

    /// Version 1 stays below the own group, whose limits then hold too. In version 2 a group with processes cannot have
    /// such groups below it, unless it is the root, so that one is tried first.
    private static func parents(mountPoint: String, own: String, version: Version) -> [String] {
        let ownDirectory = mountPoint + own
        guard Files.isDirectory(ownDirectory), !own.isEmpty else { return [mountPoint] }
        return version == .one ? [ownDirectory, mountPoint] : [mountPoint, ownDirectory]
    }

    private static func make(
        _ directory: String, in parent: String, version: Version, wanted: Set<Controller>
    ) -> Set<Controller> {
        if version == .two {
            let offered = Self.words(of: parent + "/cgroup.controllers")
            guard wanted.contains(where: { offered.contains($0.rawValue) }) else { return [] }
            for controller in wanted { enable(controller, in: parent) }
        }
        guard (try? Files.makeDirectories(directory, mode: 0o755)) != nil else { return [] }
        guard version == .two else { return wanted }
        for controller in wanted { enable(controller, in: directory) }
        let enabled = Self.words(of: directory + "/cgroup.subtree_control")
        return wanted.filter { enabled.contains($0.rawValue) }
    }

    private static func enable(_ controller: Controller, in directory: String) {
        // Failing shows in what is enabled afterwards.
        try? Files.put("+\(controller.rawValue)", into: directory + "/cgroup.subtree_control")
    }

    static func words(of path: String) -> Set<String> {
        Set((Files.text(path) ?? "").split { $0 == " " || $0 == "\n" }.map(String.init))
    }
}
