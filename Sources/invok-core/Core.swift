import Invok
import InvokAPI
import InvokArchive
import InvokAuth
import InvokEmbedded
import InvokProxy
import Logging
import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The world around the system, and its life: start, serve, stop.
///
/// This is the one place that chooses adapters; `StoreChoice` does it for those that keep what must last, and
/// `EngineChoice` for those that build and run.
struct Core {
    private let configuration: CoreConfiguration
    private let logger: Logger

    init(_ configuration: CoreConfiguration) {
        self.configuration = configuration
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        var logger = Logger(label: "invok")
        logger.logLevel = configuration.logLevel
        self.logger = logger
    }

    /// Serves until SIGTERM or SIGINT, then finishes the requests that run, and stops every instance that
    /// cannot outlive this process.
    /// - Throws: `Failure` when it cannot start.
    func run() async throws {
        let descriptors = DescriptorLimit.raise()
        let clock = SystemClock()
        let certificate = try await readCertificate(clock)
        let directory = try openDataDirectory()
        let randomness = SystemRandomness()
        let spool = try starting { () throws(SpoolError) in try FileSpool(directory: directory.spool) }
        let stores = try await openStores(directory, spool, clock, randomness)
        let sealer = try await makeSealer(directory, stores, randomness)
        let masks = LogMasks(store: stores.metadata, sealer: sealer)
        let logs = MaskedLogStore(
            try starting { () throws(LogError) in try FileLogStore(directory: directory.logs) }, masks: masks)
        let registries = RegistryChoice.make(
            configuration, cacheDirectory: configuration.cacheFolder(dataDirectory: directory.path), clock: clock,
            logger: logger)
        let choice = EngineChoice.make(
            configuration, dataDirectory: directory.path, logs: logs, registries: registries.registries, clock: clock,
            logger: logger)
        let transport = UnixSocketTransport()
        let secret = try tokenSecret(directory)
        let world = World(
            store: stores.metadata, accounts: stores.accounts, cache: stores.cache, engine: choice.engine,
            builder: choice.builder,
            artifacts: stores.artifacts, archives: ZipReader(), spool: spool, disk: FileSystemDisk(of: directory.path),
            logs: logs, masks: masks, transport: transport, passwords: configuration.passwords,
            tokens: try await makeTokens(secret),
            sealer: sealer, clock: clock, randomness: randomness)
        try await reportLimitations(choice, registries)
        let setupCode = SetupCode.derive(fromTokenSecret: secret)
        let settings: SystemSettings
        do throws(ConfigurationError) { settings = try configuration.systemSettings(setupCode: setupCode) } catch {
            throw Failure.configuration(error)
        }
        let system = InvokSystem(world: world, settings: settings, logger: logger)
        let result: Result<Void, any Error>
        do {
            do throws(InvokError) { try await system.recover() } catch { throw Failure.start(error) }
            let names = stores.names.merging(["engine": choice.name.rawValue]) { $1 }
            try await serve(
                system, names, setupCode, transport, certificate, warmUp: WarmUpService(warmUp: choice.warmUp),
                descriptors: descriptors)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        // However it ended: what cannot outlive this process is stopped.
        await choice.close()
        await registries.close()
        await transport.shutdown()
        stores.close()
        withExtendedLifetime(directory) {}
        try result.get()
    }

    private func readCertificate(_ clock: any Clock) async throws -> CertificateReload? {
        guard let files = configuration.tls else { return nil }
        do throws(InvokError) {
            return try await CertificateReload(files, clock: clock, logger: logger)
        } catch {
            throw Failure.start(error)
        }
    }

    private func openDataDirectory() throws -> DataDirectory {
        do throws(DataDirectoryError) {
            let directory = try DataDirectory(path: configuration.dataDirectory)
            for sentence in directory.mended { logger.warning("\(sentence)") }
            return directory
        } catch {
            throw Failure.start("\(error)", nextStep: nil)
        }
    }

    private func openStores(
        _ directory: DataDirectory, _ spool: any Spool, _ clock: any Clock, _ randomness: any Randomness
    ) async throws -> StoreChoice {
        do throws(InvokError) {
            return try await StoreChoice.open(
                configuration, directory, spool: spool, clock: clock, randomness: randomness, logger: logger)
        } catch {
            throw Failure.start(error)
        }
    }

    /// No secret lies open in the store once this returns.
    private func makeSealer(
        _ directory: DataDirectory, _ stores: StoreChoice, _ randomness: any Randomness
    ) async throws -> EnvironmentSealer {
        do throws(InvokError) {
            let key = try await SecretsKey.read(configuration, directory, store: stores.sealed)
            let sealer = EnvironmentSealer(key: key, randomness: randomness)
            try await SealingUpgrade(
                store: stores.sealed, artifacts: stores.artifacts, archives: ZipReader(), sealer: sealer,
                logger: logger
            ).run()
            return sealer
        } catch {
            throw Failure.start(error)
        }
    }

    private func tokenSecret(_ directory: DataDirectory) throws -> [UInt8] {
        do throws(InvokError) {
            if let secret = configuration.jwtSecret { return Array(secret.utf8) }
            return try SecretFile(.token, path: directory.tokenSecret).readOrMake()
        } catch {
            throw Failure.start(error)
        }
    }

    private func makeTokens(_ secret: [UInt8]) async throws -> JWTTokenCodec {
        do throws(InvokError) { return try await JWTTokenCodec(secret: secret) } catch { throw Failure.start(error) }
    }

    /// What this machine cannot do is said once, by name.
    private func reportLimitations(_ choice: EngineChoice, _ registries: RegistryChoice) async throws {
        do throws(EngineError) {
            for limitation in try await choice.engine.prepare() { logger.warning("\(limitation)") }
            if configuration.egress.mode != .off, let obstacle = try await choice.engine.egressObstacle() {
                logger.warning("functions that ask for egress are refused: \(obstacle)")
            }
        } catch {
            switch error {
            case .unavailable(let reason), .startFailed(let reason): throw Failure.start(reason, nextStep: nil)
            case .cancelled: throw CancellationError()
            }
        }
        for limitation in choice.limitations + registries.limitations { logger.warning("\(limitation)") }
    }

    private func serve(
        _ system: InvokSystem, _ world: [String: String], _ setupCode: Passcode, _ transport: UnixSocketTransport,
        _ certificate: CertificateReload?, warmUp: WarmUpService, descriptors: Int
    ) async throws {
        let hosts: HostRules
        let consoleHosts: HostRules
        do throws(ConfigurationError) {
            hosts = try configuration.hostRules()
            consoleHosts = try configuration.consoleHostRules()
        } catch {
            throw Failure.configuration(error)
        }
        let settings = ServerConfiguration(
            host: configuration.host, port: configuration.port,
            maximumUploadBytes: configuration.maximumFunctionBytes, corsOrigins: configuration.corsOrigins,
            hosts: hosts, trustedProxies: configuration.trustedProxies, world: world,
            connections: DescriptorLimit.connections(within: descriptors),
            connectionsPerAddress: configuration.connectionsPerAddress,
            sharedAddresses: configuration.publishedHost == nil
                ? [] : [ContainerGateway.address()].compactMap(\.self),
            tls: certificate?.termination,
            functionsURL: configuration.port == 0 ? nil : configuration.functionsURL(port: configuration.port))
        let invitation = try await setupLine(system, setupCode)
        let metrics = try metricsServer(system, descriptors: descriptors)
        let listening = AsyncStream<String>.makeStream()
        let server = InvokServer(
            system: system, configuration: settings, transport: transport, logger: logger,
            onListening: { port in
                // Who reads the line may want them.
                for await _ in metrics.isListening {}
                // They cannot be served, so the server ends.
                guard !Task.isCancelled else { return }
                // Whoever started the server reads this line, a program too, so it does not wait in a buffer.
                print("Invok listens on \(settings.scheme)://\(settings.host):\(port)")
                if let invitation { print(invitation) }
                fflush(nil)
                listening.continuation.yield(configuration.functionsURL(port: port))
            })
        let stop = StopLimit(configuration.stopLimit)
        var group = ServiceGroupConfiguration(
            services: [
                .init(service: SystemService(system: system)),
                .init(service: warmUp, successTerminationBehavior: .ignore),
                .init(service: MemoryTrim(clock: system.world.clock)),
                .init(
                    service: AnnouncedService(service: server, onStop: stop.begin),
                    successTerminationBehavior: .gracefullyShutdownGroup),
            ],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        if let server = metrics.server { group.services.append(.init(service: server)) }
        if let certificate { group.services.append(.init(service: certificate)) }
        if let address = configuration.console {
            let console = ConsoleService(
                system: system, settings: settings, address: address, hosts: consoleHosts,
                functionsURL: listening.stream, logger: logger)
            group.services.append(.init(service: console, successTerminationBehavior: .ignore))
        }
        group.maximumGracefulShutdownDuration = configuration.stopLimit
        switch await stop.run(ServiceGroup(configuration: group)) {
        case .ended(.success): break
        case .ended(.failure(let error as ServerError)): throw Failure.start("\(error)", nextStep: nil)
        case .ended(.failure(let error)):
            guard stop.isStopping else { throw error }
            logger.warning("what still ran was cut off", metadata: ["reason": "\(error)"])
        case .overdue:
            logger.warning(
                "what still ran is left behind", metadata: ["seconds": "\(configuration.stopLimit.components.seconds)"])
        }
    }

    /// What the operator types to make the first account, as long as there is none.
    private func setupLine(_ system: InvokSystem, _ setupCode: Passcode) async throws -> String? {
        do throws(InvokError) {
            guard try await system.registrations.awaitsSetup() else { return nil }
        } catch {
            throw Failure.start(error)
        }
        // What the operator has chosen itself is not repeated.
        let code = configuration.setupCode == nil ? setupCode.description : "…, as INVOK_SETUP_CODE says"
        return
            "There is no account yet. Make the first one, the admin's: invok register -e YOU@EXAMPLE.COM --code \(code)"
    }

    /// What serves the metrics, if anything does, and what says once that it listens.
    private func metricsServer(
        _ system: InvokSystem, descriptors: Int
    ) throws -> (server: MetricsServer?, isListening: AsyncStream<Void>) {
        let (isListening, continuation) = AsyncStream.makeStream(of: Void.self)
        guard let address = configuration.metrics else {
            continuation.finish()
            return (nil, isListening)
        }
        let reading = ProcessReading(startedAt: system.world.clock.wallTime(), maximumDescriptors: descriptors)
        do throws(InvokError) {
            // Whoever listens for other machines is asked by names that nobody told it.
            let isLoopback = Loopback.contains(address.host)
            let hosts = try HostRules(
                listener: address.host, publicURL: isLoopback ? configuration.publicURL : nil,
                hosts: isLoopback ? configuration.hosts : [])
            let server = MetricsServer(
                system: system, address: address, hosts: hosts, process: reading.read,
                onListening: { [logger] port in
                    logger.info("metrics are served", metadata: ["address": "\(address.host):\(port)"])
                    continuation.finish()
                })
            return (server, isListening)
        } catch {
            throw Failure.start(error)
        }
    }

    private func starting<Value, Problem: Error>(_ body: () throws(Problem) -> Value) throws -> Value {
        do throws(Problem) {
            return try body()
        } catch {
            if let error = error as? InvokError { throw Failure.start(error) }
            throw Failure.start("the data directory cannot be used: \(error)", nextStep: nil)
        }
    }
}

/// Runs the system as long as the server does, and a little longer: the last requests need it.
private struct SystemService: Service {
    let system: InvokSystem

    func run() async throws {
        await cancelWhenGracefulShutdown { await system.run() }
    }
}

/// Has what every build needs made before the first deploy, while the server serves already.
private struct WarmUpService: Service {
    let warmUp: @Sendable () async -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown { await warmUp() }
    }
}
