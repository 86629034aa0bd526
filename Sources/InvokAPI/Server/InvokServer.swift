import HTTPTypes
import Hummingbird
import HummingbirdCore
public import Invok
public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle

/// The server: the control API and the functions on one port.
public struct InvokServer: Service {
    private let system: InvokSystem
    private let configuration: ServerConfiguration
    private let logger: Logger
    private let onListening: @Sendable (Int) async -> Void

    /// - Parameter onListening: called with the port once requests are taken.
    public init(
        system: InvokSystem, configuration: ServerConfiguration, logger: Logger,
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.system = system
        self.configuration = configuration
        self.logger = logger
        self.onListening = onListening
    }

    /// Takes requests until the service group shuts down: then no new ones, those that run are finished, streams of
    /// logs end. When the task is cancelled every connection ends, and with it what runs for it.
    /// - Throws: `ServerError` when it cannot listen.
    public func run() async throws {
        let connections = Connections(
            limit: configuration.connections, limitPerAddress: configuration.connectionsPerAddress,
            exempt: configuration.isOfMany)
        let server = try makeServer(connections)
        do {
            try await withTaskCancellationHandler {
                try await server.run()
            } onCancel: {
                connections.closeAll()
            }
        } catch let error as IOError {
            throw ServerError(error, configuration)
        }
    }

    private func makeServer(_ connections: Connections) throws -> any Service {
        let responder = ServerResponder(system: system, configuration: configuration, logger: logger)
        let configuration = configuration
        let channels = HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                RequestDeadlineHandler(
                    connections: connections, initial: configuration.clientLimits, limits: responder.limits(of:from:)),
                ClientWatchHandler(),
                MessageHandler.Installer(configuration: configuration, refusal: responder.refusal),
            ],
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: configuration.headBytes, maxHeaderListSize: configuration.headBytes,
                maxHeaderFieldCount: configuration.headFields))
        return try HTTPServerBuilder.http1(configuration: channels).buildServer(
            configuration: HummingbirdCore.ServerConfiguration(
                address: .hostname(configuration.host, port: configuration.port)),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger,
            responder: { request, writer, channel in
                try await responder.respond(to: request, on: ChannelConnection(channel, writer: writer))
            },
            onServerRunning: { [onListening] channel in
                await onListening(channel.localAddress?.port ?? configuration.port)
            })
    }
}

/// The control API as a router, for whoever calls it in process.
enum API {
    static func table(system: InvokSystem, configuration: ServerConfiguration) -> RouteTable {
        let routes =
            AccountRoutes.routes(system.accounts)
            + FunctionRoutes.routes(system, world: configuration.world)
            + DeploymentRoutes.routes(system, maximumUploadBytes: configuration.maximumUploadBytes)
            + LogRoutes.routes(system, streamsPerUser: configuration.streamsPerUser) + HealthRoutes.routes(system)
            + InvocationRoutes.routes
        return RouteTable(routes: routes + [OpenAPIDocument.route(completing: routes)])
    }

    static func router(_ table: RouteTable, system: InvokSystem) -> Router<APIContext> {
        let router = Router(context: APIContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: ProblemMiddleware(table: table, randomness: system.world.randomness))
        table.register(in: router, accounts: system.accounts)
        return router
    }
}

/// Why the server cannot listen, for the operator.
public struct ServerError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ error: IOError, _ configuration: ServerConfiguration) {
        let address = "\(configuration.host):\(configuration.port)"
        switch error.errnoCode {
        case EADDRINUSE:
            description = "\(address) is in use by another program; stop it or set SERVER_PORT to another port"
        case EACCES, EPERM:
            description = "\(address) may not be listened on by this user; set SERVER_PORT to a port over 1023"
        case EADDRNOTAVAIL: description = "\(configuration.host) is not an address of this machine; set SERVER_HOST"
        default: description = "cannot listen on \(address): \(error)"
        }
    }
}
