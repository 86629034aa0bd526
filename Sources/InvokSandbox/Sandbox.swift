import InvokInit
import InvokPOSIX
import InvokRuntimes

typealias Sandbox = Isolation

/// How bubblewrap makes it.
extension Isolation {
    /// The user inside: one that nobody else has when the core is root, else the core's own in a user namespace.
    enum User: Hashable, Sendable {
        case switched(UInt32)
        case mapped
    }

    static let mappedUser: UInt32 = 1000

    /// The arguments that bubblewrap reads from a pipe. It runs `invok-init` as the first process inside, without any
    /// variable, and never hears of the command.
    func options(base: SandboxBase, user: User) -> [String] {
        var options = [
            "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try", "--as-pid-1",
            "--hostname", "function", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
        ]
        // One that is given a network is started in it.
        if !hasNetwork { options.append("--unshare-net") }
        switch user {
        case .switched:
            // invok-init needs them to become the user, and then has none.
            for name in ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"] { options += ["--cap-add", name] }
        case .mapped:
            options += ["--unshare-user", "--uid", "\(Self.mappedUser)", "--gid", "\(Self.mappedUser)"]
        }
        options += base.options(hasNetwork: hasNetwork)
        for folder in [TemporaryFolder(path: "/tmp", bytes: temporaryBytes)] + temporaryFolders {
            options += Self.folders(above: folder.path)
            options += ["--perms", "1777", "--size", "\(folder.bytes)", "--tmpfs", folder.path]
        }
        for mount in mounts {
            options += Self.folders(above: mount.destination)
            options += [mount.isWritable ? "--bind" : "--ro-bind", mount.source, mount.destination]
        }
        return options + base.closing + ["--clearenv", "--chdir", "/"]
    }

    /// Left to itself, bubblewrap would make them for root alone.
    private static func folders(above path: String) -> [String] {
        Files.folders(of: [String(path.dropFirst())]).flatMap { ["--perms", "0755", "--dir", "/" + $0] }
    }

    /// What `invok-init` is to make of itself.
    /// - Parameter countsProcesses: whether what the kernel counts as its user's processes is the sandbox's alone.
    func setup(
        user: User, hasUserNamespaces: Bool, countsProcesses: Bool, filter: [UInt8]
    ) -> InitMessage.Setup {
        var setup = InitMessage.Setup(filter: filter)
        if case .switched(let id) = user { setup.user = id }
        setup.hasUserNamespace = hasUserNamespaces
        setup.endsWithCore = true
        if countsProcesses { setup.processes = UInt32(limits.processes + 1) }  // the init
        return setup
    }

    /// What `invok-init` is to run.
    func command(hasListener: Bool) -> InitMessage.Command {
        var command = InitMessage.Command(
            directory: workingDirectory, arguments: command,
            environment: environment.merging(secretEnvironment) { $1 })
        command.keepsListener = hasListener
        command.files = files
        return command
    }
}

/// The part of the host that every sandbox sees, read-only: programs and libraries, and an `/etc` made for it.
struct SandboxBase: Sendable {
    private let options: [String]
    private let etc: String
    /// Behind all mounts: nothing is to be written there any more.
    let closing: [String]

    /// The operator's own programs, which are nobody's business; what of a toolchain lies there is bound by itself.
    private static let local = Toolchain.local

    /// What `/etc` has in the place of others where there is a network: who answers for names.
    private static let networkFiles = [
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "resolv.conf": "nameserver 127.0.0.53\noptions timeout:2 attempts:3\n",
    ]

    func options(hasNetwork: Bool) -> [String] {
        guard hasNetwork else { return options }
        return options
            + Self.networkFiles.keys.sorted().flatMap { ["--ro-bind", "\(etc)-network/\($0)", "/etc/\($0)"] }
    }

    /// - Parameter etc: the directory that becomes `/etc`.
    init(etc: String) {
        self.etc = etc
        var options = ["--ro-bind", "/usr", "/usr"]
        let hasLocal = Files.isDirectory(Self.local)
        if hasLocal { options += ["--perms", "0755", "--size", "\(1 << 20)", "--tmpfs", Self.local] }
        closing = (hasLocal ? ["--remount-ro", Self.local] : []) + ["--remount-ro", "/"]
        for directory in ["/bin", "/sbin", "/lib", "/lib32", "/lib64"] where Files.exists(directory) {
            // Merged into /usr nearly everywhere; a real directory is bound.
            if let target = Files.realPath(directory), target.hasPrefix("/usr/") {
                options += ["--symlink", String(target.dropFirst()), directory]
            } else {
                options += ["--ro-bind", directory, directory]
            }
        }
        options += ["--ro-bind", etc, "/etc", "--proc", "/proc"] + Self.masks
        options += ["--dev", "/dev", "--perms", "1777", "--size", "\(16 << 20)", "--tmpfs", "/dev/shm"]
        options += ["--remount-ro", "/dev"]
        self.options = options
    }

    /// What of `/proc` Docker hides from containers (moby, `oci.DefaultSpec`: masked paths), and some more that tell of
    /// the machine or its other users.
    private static let hidden = [
        "acpi", "asound", "config.gz", "interrupts", "kallsyms", "kcore", "key-users", "keys", "latency_stats",
        "sched_debug", "scsi", "timer_list", "timer_stats",
    ]

    /// What Docker lets containers only read there: the set-up runs as root, and these are the machine's.
    private static let readOnly = ["bus", "fs", "irq", "sys", "sysrq-trigger"]

    private static var masks: [String] {
        let hidden = hidden.map { "/proc/" + $0 }.filter(Files.exists).flatMap { path in
            Files.isDirectory(path)
                ? ["--perms", "0555", "--size", "4096", "--tmpfs", path, "--remount-ro", path]
                : ["--ro-bind", "/dev/null", path]
        }
        let readOnly = readOnly.map { "/proc/" + $0 }.filter(Files.exists).flatMap { ["--ro-bind", $0, $0] }
        return hidden + readOnly
    }

    /// Fills the directory that becomes `/etc`: nothing of the host's but the linker's cache and public certificates.
    static func writeEtc(_ directory: String, passwords: String, groups: String) throws(SystemError) {
        try Files.removeTree(directory)
        try Files.makeDirectory(directory, mode: 0o755)
        var files = [
            "passwd": Array(passwords.utf8), "group": Array(groups.utf8),
            "hosts": Array("127.0.0.1 localhost\n::1 localhost\n".utf8),
            "nsswitch.conf": Array("passwd: files\ngroup: files\nhosts: files\n".utf8), "resolv.conf": [],
        ]
        files["ld.so.cache"] = Files.read("/etc/ld.so.cache")
        for (name, bytes) in files { try Files.write(bytes, to: directory + "/" + name, mode: 0o644) }
        try Files.removeTree(directory + "-network")
        try Files.makeDirectory(directory + "-network", mode: 0o755)
        for (name, text) in networkFiles {
            try Files.write(Array(text.utf8), to: "\(directory)-network/\(name)", mode: 0o644)
        }
        guard let certificates = Files.read("/etc/ssl/certs/ca-certificates.crt") else { return }
        try Files.makeDirectories(directory + "/ssl", mode: 0o755)
        try Files.makeDirectories(directory + "/ssl/certs", mode: 0o755)
        try Files.write(certificates, to: directory + "/ssl/certs/ca-certificates.crt", mode: 0o644)
    }
}
