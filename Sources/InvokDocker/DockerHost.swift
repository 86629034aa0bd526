import Foundation
import Glibc
import Invok
import InvokBuild
import InvokConcurrency
import InvokPOSIX
import Logging
import Synchronization

/// What the engine and the builder share: the connection to Docker, the installation's name on it, directories. One for
/// each data directory and process.
public final class DockerHost: Sendable {
    struct Prepared: Sendable {
        let plan: ContainerPlan
        let warnings: [String]
        /// Waits for sockets, which tasks cannot.
        let events: EventThread
        /// The compiler of TypeScript, where the engine sees it too.
        let esbuild: String?
    }

    let settings: DockerSettings
    let client: DockerClient
    package let clock: any Clock
    package let disk = WorkerPool(threads: BuildThreads.count)
    package let quarantine: Quarantine
    package let registries: (any BuildRegistries)?
    /// The builds that have a container or are about to. Those of earlier cores, and those that Docker did not remove when
    /// it was asked to, are nobody's any more.
    let builds = Mutex<Set<String>>([])
    /// How many containers are created and started at a time.
    let gate = StartGate(places: 3)
    private let preparation = Preparation<Prepared, EngineError>()

    /// - Parameters:
    ///   - registries: what builds may reach; `nil` for nothing.
    ///   - logger: for leftovers.
    package init(
        settings: DockerSettings, clock: any Clock, registries: (any BuildRegistries)? = nil,
        logger: Logger = Logger(label: "invok")
    ) {
        self.settings = settings
        self.clock = clock
        self.registries = registries
        quarantine = Quarantine(directory: settings.dataDirectory + "/quarantine", threads: disk, logger: logger)
        client = DockerClient(socketPath: settings.socketPath)
    }

    /// Ends the connection. What runs goes on.
    public func close() async { await client.shutdown() }

    var runDirectory: String { settings.dataDirectory + "/run" }
    package var bundlesDirectory: String { settings.dataDirectory + "/bundles" }
    package var cacheDirectory: String { settings.cacheDirectory }

    func bundlePath(_ bundle: BundleID) -> String { "\(bundlesDirectory)/\(bundle)" }

    /// Asks the engine what it can do and makes the directories; until that has succeeded once, each time.
    func prepared() async throws(EngineError) -> Prepared {
        try await preparation.value { () throws(EngineError) in try await self.prepare() }
    }

    private func prepare() async throws(EngineError) -> Prepared {
        do throws(DockerError) {
            _ = try await client.negotiate()
            let info: DockerInfoMessage = try client.decode(await client.call(.get, "/info"))
            let (owner, events) = try makeDirectories()
            let esbuild = try settings.esbuild.map { (path) throws(DockerError) in try copy(compiler: path) }
            let plan = ContainerPlan(
                owner: owner, images: settings.images, processors: max(1, info.processors),
                builderUser: geteuid() == 0 ? nil : geteuid())
            return Prepared(
                plan: plan, warnings: Self.warnings(info) + (try await missingImages()), events: events,
                esbuild: esbuild)
        } catch {
            throw unavailable(error)
        }
    }

    private func makeDirectories() throws(DockerError) -> (owner: String, events: EventThread) {
        do throws(SystemError) {
            for (path, mode) in [(runDirectory, 0o700), (bundlesDirectory, 0o755), (cacheDirectory, 0o700)] {
                try Files.makeDirectories(path, mode: mode_t(mode))
            }
            quarantine.removeLeftovers()
            for name in Files.names(in: bundlesDirectory) where name.hasPrefix(".tmp-") {
                quarantine.removeLater("\(bundlesDirectory)/\(name)")
            }
            try BundleSecrets.remove(in: bundlesDirectory)
            try BundleLayout.renew(in: bundlesDirectory)
            return (try owner(), try EventThread())
        } catch {
            throw .refused(status: 500, message: "the data directory cannot be prepared: \(error)")
        }
    }

    /// Puts the compiler into the data directory, which alone a core in a container shares with the engine.
    /// - Returns: its path there.
    private func copy(compiler: String) throws(DockerError) -> String {
        let path = settings.dataDirectory + "/esbuild"
        do throws(SystemError) {
            // Builds that run keep the one that they were started with.
            try Files.write(try Files.contents(of: compiler), to: path + ".new", mode: 0o555)
            try Files.rename(path + ".new", to: path)
        } catch {
            throw .refused(status: 500, message: "esbuild cannot be put into the data directory: \(error)")
        }
        return path
    }

    /// The installation's name, made once: containers carry it, so that whoever has the data directory next finds them.
    private func owner() throws(SystemError) -> String {
        let path = settings.dataDirectory + "/installation"
        if let text = Files.text(path), let digest = Digest(text.filter { $0 != "\n" }) {
            return String(digest.description.prefix(16))
        }
        let made = Digest(of: (0..<4).flatMap { _ in "\(UInt64.random(in: .min ... .max))".utf8 })
        try Files.write(Array("\(made)\n".utf8), to: path + ".new", mode: 0o600)
        try Files.synchronize(path + ".new")
        guard rename(path + ".new", path) == 0 else { throw SystemError("rename", path) }
        return String(made.description.prefix(16))
    }

    /// Images that are not there, each a sentence with the next step.
    private func missingImages() async throws(DockerError) -> [String] {
        var sentences: [String] = []
        for (image, variable) in settings.images.all {
            do throws(DockerError) {
                _ = try await client.call(.get, "/images/\(DockerClient.escaped(image))/json")
            } catch {
                guard error.isNotFound else { throw error }
                sentences.append(
                    "the image '\(image)' is not on this server: run 'docker pull \(image)', or set \(variable)")
            }
        }
        return sentences
    }

    private static func warnings(_ info: DockerInfoMessage) -> [String] {
        var warnings: [String] = []
        if info.limitsMemory == false { warnings.append("functions' memory is not limited: Docker cannot here") }
        if info.limitsProcesses == false { warnings.append("functions' processes are not limited: Docker cannot here") }
        if info.limitsProcessorTime == false {
            warnings.append("functions' processor time is not limited: Docker cannot here")
        }
        let security = info.securityOptions ?? []
        if !security.contains(where: { $0.hasPrefix("name=seccomp") && !$0.contains("unconfined") }) {
            warnings.append("functions' system calls are not filtered: Docker runs without its seccomp profile")
        }
        return warnings
    }

    /// In words for the operator.
    func unavailable(_ error: DockerError) -> EngineError {
        switch error {
        case .cancelled: .cancelled
        case .refused(_, let message) where message.contains("bind source path does not exist"):
            .unavailable(
                "Docker does not see the data directory: \(message). Where the core runs in a container, set "
                    + "INVOK_HOST_DATA_DIR to the path that its data directory has on the host")
        case .refused(_, let message): .unavailable(message)
        case .unreachable(let reason):
            .unavailable(
                Self.reachability(settings.socketPath) ?? "Docker does not answer at \(settings.socketPath): \(reason)")
        }
    }

    /// Why the socket cannot be used; `nil` when nothing is wrong with it.
    private static func reachability(_ path: String) -> String? {
        if !Files.exists(path) {
            return "there is no Docker at \(path): start Docker, or set DOCKER_HOST to unix:// and its socket's path"
        }
        if access(path, R_OK | W_OK) != 0 {
            return "this user may not use Docker's socket \(path): add it to the socket's group, usually 'docker'"
        }
        return nil
    }
}
