import HTTPTypes
import Hummingbird
public import Invok
public import InvokProxy
public import Logging
import NIOCore
public import ServiceLifecycle

/// The server: the control API and the functions on one port, or the API and the console on another.
public struct InvokServer: Service {
    private let system: InvokSystem
    private let configuration: ServerConfiguration
    private let transport: UnixSocketTransport?
    private let network: any ByteNetwork
    private let logger: Logger
    private let onListening: @Sendable (Int) async -> Void

    /// - Parameters:
    ///   - transport: what reaches the system's instances over the same network, so that warm calls need no task; without it
    ///     they have one.
    ///   - network: where clients come from.
    ///   - onListening: called with the port once requests are taken.
    public init(
        system: InvokSystem, configuration: ServerConfiguration, transport: UnixSocketTransport? = nil,
        network: any ByteNetwork = SocketNetwork(), logger: Logger,
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.system = system
        self.configuration = configuration
        self.transport = transport
        self.network = network
        self.logger = logger
        self.onListening = onListening
    }

    /// Takes requests until the service group shuts down: then no new ones, those that run are finished, streams of
    /// logs end. When the task is cancelled every connection ends, and with it what runs for it.
    /// - Throws: `ServerError` when it cannot listen.
    public func run() async throws {
        do {
            // Cancelled, it is told to stop too.
            try await httpServer().run(onListening: onListening) { try? await gracefulShutdown() }
        } catch let error as IOError {
            let isConsole = configuration.console != nil
            let console = "set INVOK_CONSOLE_ADDRESS to another one, or to nothing for no console"
            throw ServerError(
                error, host: configuration.host, port: configuration.port,
                taken: isConsole ? console : "stop it or set SERVER_PORT to another port",
                elsewhere: isConsole ? console : "set SERVER_HOST and SERVER_PORT")
        }
    }

    /// The server as somebody runs it who is no service group.
    /// - Parameter around: wraps what answers a request in a task.
    package func httpServer(
        around wrap: (@escaping HTTPServer.Handlers.Respond) -> HTTPServer.Handlers.Respond = { $0 }
    ) -> HTTPServer {
        let responder = ServerResponder(system: system, configuration: configuration, logger: logger)
        return HTTPServer(
            configuration: HTTPServer.Configuration(
                listener: .host(configuration.host, port: configuration.port),
                headBytes: configuration.headBytes, headFields: configuration.headFields,
                lingerTime: configuration.lingerTime,
                lingerBytes: configuration.lingerBytes, answerTimeout: configuration.answerTimeout,
                limits: configuration.clientLimits, tls: configuration.tls),
            connections: Connections(
                limit: configuration.connections, limitPerAddress: configuration.connectionsPerAddress,
                exempt: configuration.isOfMany),
            handlers: HTTPServer.Handlers(
                respond: wrap { try await responder.respond(to: $0, body: $1, on: $2, after: $3) },
                limits: responder.limits(of:from:), refusal: responder.refusal,
                direct: configuration.console == nil ? responder.calls(from:on:) : nil),
            transport: transport, network: network)
    }
}

/// The control API as a router, for whoever calls it in process.
enum API {
    static func table(system: InvokSystem, configuration: ServerConfiguration) -> RouteTable {
        let routes =
            AccountRoutes.routes(system.accounts) + SessionRoutes.routes(system.accounts)
            + InvitationRoutes.routes(system.registrations)
            + FunctionRoutes.routes(system, world: configuration.world, functionsURL: configuration.functionsURL)
            + DeploymentRoutes.routes(system, maximumUploadBytes: configuration.maximumUploadBytes)
            + SecretRoutes.routes(system)
            + LogRoutes.routes(system, streamsPerUser: configuration.streamsPerUser) + StatsRoutes.routes(system)
            + HealthRoutes.routes(system) + InvocationRoutes.routes + CallRoutes.routes(system) + TemplateRoutes.routes
        return RouteTable(routes: routes + [OpenAPIDocument.route(completing: routes)])
    }

    static func router(_ table: RouteTable, system: InvokSystem) -> Router<APIContext> {
        let router = Router(context: APIContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: ProblemMiddleware(table: table, randomness: system.world.randomness))
        table.register(in: router, accounts: system.accounts)
        return router
    }
}
