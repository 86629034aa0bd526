import Invok
import InvokBuild
import InvokDocker
import InvokEgress
import InvokSandbox
import Logging

/// The engine and the builder that the operator chose by `INVOK_ENGINE`: sandboxes of this machine, or Docker.
struct EngineChoice: Sendable {
    enum Name: String, CaseIterable, Sendable {
        case sandbox
        case docker
    }

    let name: Name
    let engine: any ContainerEngine
    let builder: any FunctionBuilder
    /// What this machine lacks, each a sentence for the operator.
    let limitations: [String]
    /// Has what every build needs made before the first deploy.
    let warmUp: @Sendable () async -> Void
    private let closing: @Sendable () async -> Void

    static func make(
        _ configuration: CoreConfiguration, dataDirectory: String, logs: any LogStore,
        registries: (any BuildRegistries)?, clock: any Clock, logger: Logger
    ) -> EngineChoice {
        switch configuration.engine {
        case .sandbox: sandbox(configuration, dataDirectory, logs, registries, clock, logger)
        case .docker: docker(configuration, dataDirectory, logs, registries, clock, logger)
        }
    }

    private static func sandbox(
        _ configuration: CoreConfiguration, _ dataDirectory: String, _ logs: any LogStore,
        _ registries: (any BuildRegistries)?, _ clock: any Clock, _ logger: Logger
    ) -> EngineChoice {
        let toolchains = Toolchains.discover(environment: configuration.environment)
        let host = SandboxHost(
            dataDirectory: dataDirectory, cacheDirectory: configuration.cacheDirectory, toolchains: toolchains,
            clock: clock, allowsUnlimited: configuration.allowsUnlimited, registries: registries,
            networks: networks(configuration, clock, logger), logger: logger)
        let engine = SandboxContainerEngine(host: host, logs: logs, logger: logger)
        let builder = SandboxFunctionBuilder(host: host, logger: logger)
        return EngineChoice(
            name: .sandbox, engine: engine, builder: builder,
            limitations: toolchains.missing.sorted { $0.key.rawValue < $1.key.rawValue }.map(\.value),
            warmUp: { await builder.warmUp() },
            closing: {
                await Self.stopInstances(of: engine, grace: SystemSettings().stopGrace)
                await host.close()
            })
    }

    private static func networks(
        _ configuration: CoreConfiguration, _ clock: any Clock, _ logger: Logger
    ) -> InstanceNetworks? {
        guard configuration.egress.mode != .off else { return nil }
        do {
            return try InstanceNetworks(
                InstanceNetworks.Settings(rules: configuration.egress, names: configuration.publicNames), clock: clock,
                logger: logger)
        } catch {
            logger.warning("functions that ask for egress are refused: \(error)")
            return nil
        }
    }

    private static func docker(
        _ configuration: CoreConfiguration, _ dataDirectory: String, _ logs: any LogStore,
        _ registries: (any BuildRegistries)?, _ clock: any Clock, _ logger: Logger
    ) -> EngineChoice {
        // The other tools are the images'.
        let compilers = Toolchains.discover(environment: configuration.environment, names: [.esbuild])
        let host = DockerHost(
            settings: configuration.docker.settings(
                dataDirectory: dataDirectory, cacheDirectory: configuration.cacheFolder(dataDirectory: dataDirectory),
                esbuild: compilers[.esbuild]?.executable),
            clock: clock, registries: registries, logger: logger)
        let builder = DockerFunctionBuilder(host: host, logger: logger)
        return EngineChoice(
            name: .docker, engine: DockerContainerEngine(host: host, logs: logs, logger: logger), builder: builder,
            limitations: Array(compilers.missing.values), warmUp: { await builder.warmUp() },
            // Containers run on: the next core takes them over, and a restart for an update is no cold start.
            closing: { await host.close() })
    }

    /// Ends what cannot outlive this process.
    func close() async { await closing() }

    /// Sandboxes cannot outlive this process, so they get the chance to end well before it does.
    private static func stopInstances(of engine: SandboxContainerEngine, grace: Duration) async {
        guard let running = try? await engine.list() else { return }
        await withDiscardingTaskGroup { group in
            for instance in running { group.addTask { await engine.stop(instance.id, grace: grace) } }
        }
    }
}

/// What the operator chose about Docker, checked.
struct DockerChoice: Sendable {
    var socketPath = DockerAddress.standardSocket
    /// `nil` where the core and Docker see the data directory under one path.
    var hostDataDirectory: String?
    var images: DockerImages

    /// - Parameter setting: the value of a variable.
    init(setting: (String) -> String?) throws(ConfigurationError) {
        do throws(DockerSettingError) {
            socketPath = try DockerAddress.socketPath(setting("DOCKER_HOST"))
            images = try DockerImages(setting: setting)
        } catch {
            throw ConfigurationError(message: error.message)
        }
        hostDataDirectory = setting("INVOK_HOST_DATA_DIR")
        if let hostDataDirectory, !hostDataDirectory.hasPrefix("/") {
            throw ConfigurationError(
                message: "INVOK_HOST_DATA_DIR is '\(hostDataDirectory)', but must be an absolute path")
        }
    }

    func settings(dataDirectory: String, cacheDirectory: String, esbuild: String?) -> DockerSettings {
        DockerSettings(
            socketPath: socketPath, images: images, dataDirectory: dataDirectory,
            hostDataDirectory: hostDataDirectory, cacheDirectory: cacheDirectory, esbuild: esbuild)
    }
}
