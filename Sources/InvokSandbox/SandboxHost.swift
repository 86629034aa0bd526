import Glibc
import Invok
import InvokBuild
import InvokConcurrency
import InvokEgress
import InvokInit
import InvokPOSIX
import InvokRuntimes
import Logging
import Synchronization

/// What the engine and the builder share of this machine: directories, bubblewrap, control groups, users, toolchains.
/// One for each data directory and process.
public final class SandboxHost: Sendable {
    /// `<data>/run` and `<data>/bundles` are this host's.
    let dataDirectory: String
    /// Other hosts may use it too.
    package let cacheDirectory: String
    let toolchains: Toolchains
    package let clock: any Clock
    /// Apart from what waits for instances: a large build must not hold up the end of one.
    package let disk = WorkerPool(threads: BuildThreads.count)
    package let quarantine: Quarantine
    package let registries: (any BuildRegistries)?
    /// `nil` where instances are given none.
    let networks: InstanceNetworks?
    private let bubblewrap: String?
    private let usesControlGroups: Bool
    private let machine: LimitEnforcement.Machine
    private let allowsUnlimited: Bool
    private let preparation = Preparation<Prepared, EngineError>()

    struct Prepared: Sendable {
        let launcher: SandboxLauncher
        let warnings: [String]
        let egressObstacle: String?
    }

    /// - Parameters:
    ///   - dataDirectory: an absolute path. It must not be in use by another core.
    ///   - cacheDirectory: an absolute path. Any number of cores of one user may share it; what lies there can be made
    ///     again.
    ///   - bubblewrap: the path of `bwrap`; `nil` looks in the usual places.
    ///   - allowsUnlimited: whether functions may run whose memory or processes nothing on this machine limits.
    ///   - registries: what builds may reach; `nil` for nothing.
    ///   - networks: what gives instances their networks; `nil` for none.
    ///   - logger: for leftovers.
    package convenience init(
        dataDirectory: String, cacheDirectory: String, toolchains: Toolchains, clock: any Clock,
        bubblewrap: String? = nil, allowsUnlimited: Bool = false, registries: (any BuildRegistries)? = nil,
        networks: InstanceNetworks? = nil, logger: Logger = Logger(label: "invok")
    ) {
        self.init(
            dataDirectory: dataDirectory, cacheDirectory: cacheDirectory, toolchains: toolchains, clock: clock,
            bubblewrap: bubblewrap, allowsUnlimited: allowsUnlimited, registries: registries, networks: networks,
            logger: logger, usesControlGroups: true, machine: .this)
    }

    /// - Parameters:
    ///   - usesControlGroups: `false` does without, as on a machine that has none.
    ///   - machine: what to take this machine for.
    init(
        dataDirectory: String, cacheDirectory: String, toolchains: Toolchains, clock: any Clock,
        bubblewrap: String? = nil, allowsUnlimited: Bool = false, registries: (any BuildRegistries)? = nil,
        networks: InstanceNetworks? = nil, logger: Logger = Logger(label: "invok"), usesControlGroups: Bool,
        machine: LimitEnforcement.Machine
    ) {
        self.dataDirectory = dataDirectory
        self.cacheDirectory = cacheDirectory
        self.toolchains = toolchains
        self.clock = clock
        self.usesControlGroups = usesControlGroups
        self.machine = machine
        self.allowsUnlimited = allowsUnlimited
        self.registries = registries
        self.networks = networks
        quarantine = Quarantine(directory: dataDirectory + "/quarantine", threads: disk, logger: logger)
        self.bubblewrap =
            bubblewrap ?? ["/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"].first(where: Files.exists)
    }

    var runDirectory: String { dataDirectory + "/run" }
    package var bundlesDirectory: String { dataDirectory + "/bundles" }

    func bundlePath(_ bundle: BundleID) -> String { "\(bundlesDirectory)/\(bundle)" }

    /// Removes what an earlier core left behind and finds out what this machine can enforce; once it has succeeded, never again.
    func prepared() async throws(EngineError) -> Prepared {
        try await preparation.value { () throws(EngineError) in try await self.prepare() }
    }

    private func prepare() async throws(EngineError) -> Prepared {
        guard let bubblewrap, Files.exists(bubblewrap) else {
            throw .unavailable("bubblewrap (bwrap) is not installed; install it with 'apt-get install bubblewrap'")
        }
        guard ["/usr/bin/tar", "/bin/tar"].contains(where: Files.exists) else {
            throw .unavailable("tar is not installed, by which builds hand over what they made; install it")
        }
        guard runDirectory.utf8.count + 12 < 104 else {
            throw .unavailable(
                "the path of the data directory is too long for a unix socket: use one of at most 80 bytes")
        }
        do throws(SystemError) {
            try Files.makeDirectories(cacheDirectory, mode: 0o700)
            // Whoever may write there could give every function's build other code.
            guard Files.belongsToUsAlone(cacheDirectory) else { throw SystemError("use", cacheDirectory, code: EPERM) }
        } catch {
            throw .unavailable(
                "the cache directory cannot be used: \(error); set INVOK_CACHE_DIR to one that is this user's alone")
        }
        let launcher = try makeLauncher(bubblewrap)
        try await probe(launcher)
        let obstacle =
            await networks?.obstacle() ?? (networks == nil ? "the operator allows none (INVOK_EGRESS=off)" : nil)
        return Prepared(
            launcher: launcher, warnings: warnings(launcher) + (networks?.warnings ?? []), egressObstacle: obstacle)
    }

    private func makeLauncher(_ bubblewrap: String) throws(EngineError) -> SandboxLauncher {
        try Self.sayingWhat("the data directory cannot be made") { () throws(SystemError) in
            try Files.makeDirectories(dataDirectory, mode: 0o700)
        }
        let groups = usesControlGroups ? ControlGroups.of(dataDirectory: dataDirectory) : .none
        let enforcement = LimitEnforcement(missing: groups.missing, on: machine)
        if let refusal = enforcement.refusal, !allowsUnlimited {
            groups.remove()
            throw .unavailable(refusal)
        }
        let refused = enforcement.memory == .watch ? SystemCallList.unseenMemory : []
        let filter = try Self.sayingWhat("the filter of functions' system calls cannot be made") {
            () throws(SystemError) in
            try SeccompFilter(without: refused)
        }
        return try Self.sayingWhat("the data directory cannot be prepared") { () throws(SystemError) in
            let (base, users, program) = try prepareDirectories(groups)
            return try SandboxLauncher(
                bubblewrap: bubblewrap, base: base, groups: groups, enforcement: enforcement, users: users,
                filter: filter, program: program)
        }
    }

    private static func sayingWhat<Value>(
        _ what: String, _ body: () throws(SystemError) -> Value
    ) throws(EngineError) -> Value {
        do throws(SystemError) {
            return try body()
        } catch {
            throw .unavailable("\(what): \(error)")
        }
    }

    /// - Returns: what sandboxes see, their users, and the path of `invok-init`.
    private func prepareDirectories(
        _ groups: ControlGroups
    ) throws(SystemError) -> (SandboxBase, UserIDPool, String) {
        groups.removeLeftovers()
        for (path, mode) in [(runDirectory, 0o700), (bundlesDirectory, 0o755)] {
            try Files.makeDirectories(path, mode: mode_t(mode))
        }
        quarantine.removeLeftovers()
        for name in Files.names(in: runDirectory) { quarantine.removeLater("\(runDirectory)/\(name)") }
        for name in Files.names(in: bundlesDirectory) where name.hasPrefix(".tmp-") {
            quarantine.removeLater("\(bundlesDirectory)/\(name)")
        }
        try BundleSecrets.remove(in: bundlesDirectory)
        try BundleLayout.renew(in: bundlesDirectory)
        let users = UserIDPool(installation: Digest(of: (Files.realPath(dataDirectory) ?? dataDirectory).utf8))
        try SandboxBase.writeEtc(
            runDirectory + "/etc", passwords: geteuid() == 0 ? users.passwordFile : Self.mappedPasswords,
            groups: geteuid() == 0 ? users.groupFile : "function:x:\(Sandbox.mappedUser):\n")
        return (SandboxBase(etc: runDirectory + "/etc"), users, try HandOver.install(in: dataDirectory))
    }

    /// Removes what would be left of this host once no sandbox runs any more: call it last.
    public func close() async {
        guard let prepared = await preparation.existing() else { return }
        await networks?.close()
        prepared.launcher.groups.remove()
    }

    private static let mappedPasswords =
        "function:x:\(Sandbox.mappedUser):\(Sandbox.mappedUser)::/tmp:/usr/sbin/nologin\n"

    /// Runs something harmless in a sandbox like all others, and does without user namespaces where there are none.
    private func probe(_ launcher: SandboxLauncher) async throws(EngineError) {
        var result = try await tryOut(launcher)
        if result.status.code == InitMessage.noUserNamespace, geteuid() == 0 {
            launcher.hasUserNamespaces.store(false, ordering: .relaxed)
            result = try await tryOut(launcher)
        }
        guard result.status.code == 0 else {
            let userNamespaces =
                geteuid() == 0
                ? "" : "; user namespaces may be off: run 'sysctl kernel.unprivileged_userns_clone=1' or run as root"
            throw .unavailable(
                "bubblewrap cannot make a sandbox on this machine: \(result.text.trimmedLine)\(userNamespaces)")
        }
    }

    private func tryOut(_ launcher: SandboxLauncher) async throws(EngineError) -> CapturedRun {
        let sandbox = Sandbox(
            mounts: [], workingDirectory: "/tmp", environment: ["PATH": "/usr/bin:/bin"], command: ["/usr/bin/true"],
            temporaryBytes: 1 << 20,
            limits: ResourceLimits(memoryBytes: 64 << 20, cpus: 1, processes: 16, openFiles: 64, fileBytes: 1 << 20))
        do throws(LaunchError) {
            return try await launcher.run(sandbox, outputLimit: 4096)
        } catch {
            throw .unavailable(error.description)
        }
    }

    private func warnings(_ launcher: SandboxLauncher) -> [String] {
        var warnings = launcher.enforcement.warnings
        if launcher.groups.missing.contains(.cpu) {
            warnings.append("functions' processor time is not limited: the cpu control group cannot be used here")
        }
        if geteuid() != 0 {
            warnings.append("functions run as this user inside a user namespace: only root can give each its own user")
        } else if !launcher.hasUserNamespaces.load(ordering: .relaxed) {
            warnings.append(
                "functions have users but no user namespaces of their own: this machine refuses them to users without "
                    + "privileges (user.max_user_namespaces, kernel.unprivileged_userns_clone, "
                    + "kernel.apparmor_restrict_unprivileged_userns)")
        }
        return warnings
    }
}

extension String {
    /// On one line, for a message.
    var trimmedLine: String {
        split(separator: "\n").joined(separator: " ")
    }
}
