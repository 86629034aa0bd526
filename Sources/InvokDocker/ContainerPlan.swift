import Invok
import InvokInit
import InvokRuntimes

/// What containers are made of: pure, so that each wall around a function can be seen in a test.
struct ContainerPlan: Sendable {
    /// What every container of an installation is labelled with.
    enum Label {
        static let owner = "invok.owner"
        static let kind = "invok.kind"
        static let namespace = "invok.namespace"
        static let function = "invok.function"
        static let version = "invok.version"
        static let instance = "invok.instance"
        static let memory = "invok.memory-mb"
        /// In thousandths of a core.
        static let processors = "invok.millicpus"
        static let generation = "invok.generation"
        /// Tells one build from all others, of all runs of the core.
        static let build = "invok.build"
    }

    enum Kind: String, Sendable {
        case instance
        case build
    }

    static let bundleFolder = "/bundle"
    static let instanceFolder = "/run/invok"
    /// Beside what a build's registries have there.
    static let handOverFolder = "/run/invok-build"

    /// Names this installation, so that two on one engine do not see each other's.
    let owner: String
    let images: DockerImages
    /// The engine refuses more processor time than its machine has.
    let processors: Int
    /// Whom builds run as, where the core is not root: it could neither read nor remove what others write.
    var builderUser: UInt32?

    /// The container of an instance: its first process is `invok-init`, which connects to the core and only then hears what
    /// to run. So what the engine is told, keeps and shows has nothing of the function in it.
    /// - Parameters:
    ///   - bundle, folder: paths as the engine sees them; the folder is that of the program and its socket.
    func instance(_ spec: InstanceSpec, bundle: String, folder: String) -> ContainerRequest {
        let inner = Self.instanceFolder
        var isolation = Isolation(
            mounts: [
                Isolation.Mount(source: bundle, destination: Self.bundleFolder),
                Isolation.Mount(source: folder, destination: inner),
            ],
            workingDirectory: "/", environment: [:],
            command: [inner + "/" + InstanceFolder.programName, inner + "/" + InstanceFolder.controlName],
            temporaryBytes: spec.temporaryBytes, limits: spec.resourceLimits)
        isolation.limits.processes += 1  // the init
        isolation.temporaryFolders = spec.temporaryFolders
        return request(
            isolation, image: images.runner(of: spec.settings.runtime),
            // The log store keeps lines for long; here they wait for a core that is away.
            log: .init(type: "json-file", config: ["max-size": "4m", "max-file": "2"]),
            user: Self.user(of: spec.id.description), labels: labels(of: spec), hasInit: false)
    }

    /// What `invok-init` is to run in the container of an instance, with the listening socket as descriptor 3.
    static func command(of spec: InstanceSpec) -> InitMessage.Command {
        var command = InitMessage.Command(
            directory: bundleFolder, arguments: RuntimeSupport.of(spec.settings.runtime).launch.command,
            environment: spec.variables())
        // The image's own: it knows where its tools are.
        command.keepsVariables = true
        command.files = spec.secretFiles
        return command
    }

    /// The container of a build that has secrets: like that of an instance, its first process is `invok-init`, which hears
    /// what to run from the core.
    /// - Parameters:
    ///   - folder: the path, as the engine sees it, of that of the program and its socket.
    ///   - name: is no other build's.
    func secretBuild(_ isolation: Isolation, image: String, name: String, folder: String) -> ContainerRequest {
        let inner = Self.handOverFolder
        var isolation = isolation
        isolation.mounts.append(Isolation.Mount(source: folder, destination: inner))
        isolation.command = [inner + "/" + InstanceFolder.programName, inner + "/" + InstanceFolder.controlName]
        isolation.environment = [:]
        isolation.limits.processes += 1  // the init
        return build(isolation, image: image, name: name, hasInit: false)
    }

    /// What `invok-init` is to run in the container of a build that has secrets.
    static func command(of isolation: Isolation) -> InitMessage.Command {
        var command = InitMessage.Command(
            directory: isolation.workingDirectory, arguments: isolation.command,
            environment: isolation.environment.merging(isolation.secretEnvironment) { $1 })
        command.keepsVariables = true
        return command
    }

    /// The container of a build.
    /// - Parameter name: is no other build's.
    func build(_ isolation: Isolation, image: String, name: String, hasInit: Bool = true) -> ContainerRequest {
        // Both its outputs are read as they come, and nothing of them stays with the engine.
        request(
            isolation, image: image, log: .init(type: "none", config: [:]),
            user: builderUser.map { "\($0):\($0)" } ?? Self.user(of: name),
            labels: [Label.owner: owner, Label.kind: Kind.build.rawValue, Label.build: name], hasInit: hasInit)
    }

    private func labels(of spec: InstanceSpec) -> [String: String] {
        let key = spec.version.function
        return [
            Label.owner: owner, Label.kind: Kind.instance.rawValue, Label.instance: spec.id.description,
            Label.namespace: key.namespace.description, Label.function: key.name.description,
            Label.version: "\(spec.version.number)", Label.memory: "\(spec.share.memoryMB)",
            Label.processors: "\(spec.share.milliCPUs)", Label.generation: "\(spec.generation)",
        ]
    }

    /// The names that the container of an instance may get: its own, and those of the next numbers, since another core on
    /// the same engine, or what an earlier one left, may have that. What the container is its labels say.
    static func names(of id: InstanceID) -> [String] {
        let (text, end) = (id.description, id.description.lastIndex(of: "-"))
        guard let end, let first = UInt32(text[text.index(after: end)...]) else { return [text] }
        return (0..<8 as Range<UInt32>).map { "\(text[...end])\(first &+ $0)" }
    }

    /// What the labels of a container say of its instance; `nil` when they are not ours.
    static func instance(
        labels: [String: String]
    ) -> (id: InstanceID, version: VersionKey, share: Resources, generation: Int)? {
        guard labels[Label.kind] == Kind.instance.rawValue,
            let id = labels[Label.instance].flatMap({ InstanceID($0) }),
            let namespace = labels[Label.namespace].flatMap({ Namespace($0) }),
            let name = labels[Label.function].flatMap({ try? FunctionName($0) }),
            let number = labels[Label.version].flatMap({ Int($0) }),
            let share = share(labels: labels),
            // Containers of an older Invok have none.
            let generation = Int(labels[Label.generation] ?? "0")
        else { return nil }
        return (
            id, VersionKey(function: FunctionKey(namespace: namespace, name: name), number: number), share, generation
        )
    }

    /// Containers of an older Invok do not say what they may take; most take what is usual.
    private static func share(labels: [String: String]) -> Resources? {
        var share = Resources(.standard)
        if let memory = labels[Label.memory] {
            guard let number = Int(memory) else { return nil }
            share.memoryMB = number
        }
        if let processors = labels[Label.processors] {
            guard let number = Int(processors) else { return nil }
            share.milliCPUs = number
        }
        return share
    }

    /// A user of its own for nearly each container: some of the kernel's limits count by user. Within the range that
    /// engines with user namespaces map, and never the core's.
    static func user(of name: String) -> String {
        let hash = Digest(of: name.utf8).description.prefix(8)
        let id = 10_000 + (UInt32(hash, radix: 16) ?? 0) % 50_000
        return "\(id):\(id)"
    }

    private func request(
        _ isolation: Isolation, image: String, log: ContainerRequest.LogConfig, user: String,
        labels: [String: String], hasInit: Bool
    ) -> ContainerRequest {
        let limits = isolation.limits
        // The runtime gives a folder that the image has already that one's mode back, so the owner is said, too.
        let owner = user.split(separator: ":").first.map { "uid=\($0),gid=\($0)" } ?? ""
        let folders = [Isolation.TemporaryFolder(path: "/tmp", bytes: isolation.temporaryBytes)]
        let host = ContainerRequest.HostConfig(
            init: hasInit,
            mounts: isolation.mounts.map {
                ContainerRequest.Mount(source: $0.source, target: $0.destination, readOnly: !$0.isWritable)
            },
            tmpfs: Dictionary(
                uniqueKeysWithValues: (folders + isolation.temporaryFolders).map {
                    ($0.path, "rw,nosuid,nodev,exec,size=\($0.bytes),mode=1777,\(owner)")
                }),
            memory: limits.memoryBytes, memorySwap: limits.memoryBytes,
            nanoCpus: Int((min(limits.cpus, Double(processors)) * 1e9).rounded()), pidsLimit: limits.processes,
            cpuShares: isolation.niceness > 0 ? 128 : 1024,
            ulimits: [.init("core", 0), .init("fsize", limits.fileBytes), .init("nofile", limits.openFiles)],
            logConfig: log)
        return ContainerRequest(
            image: image, entrypoint: isolation.command,
            env: isolation.environment.map { "\($0.key)=\($0.value)" }.sorted(),
            workingDir: isolation.workingDirectory, user: user, labels: labels, hostConfig: host)
    }
}
