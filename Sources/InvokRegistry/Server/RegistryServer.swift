import HTTPTypes
import Invok
import InvokBuild
import InvokConcurrency
import InvokPOSIX
import InvokProxy
import Logging
import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Serves the operator's package registries to builds: over a unix socket of each build's own, HTTP of a few kinds of
/// request, and nothing else.
package final class RegistryServer: BuildRegistries {
    /// What one build may take.
    package struct DoorLimits: Sendable {
        package var connections = 64
        package var bytes = 2 << 30

        package init() {}
    }

    private let settings: RegistrySettings
    private let source: any PackageSource
    private let cache: PackageCache
    private let clock: any Clock
    private let port: Int
    private let limits: DoorLimits
    private let logger: Logger
    private let mirror = Preparation<RegistryMirror, SystemError>()

    /// - Parameters:
    ///   - source: by which the registries of the settings are reached.
    ///   - cacheDirectory: this server's alone, or shared with other cores of the user.
    ///   - cacheBytes: what may be kept there.
    ///   - port: at which builds have what forwards to the socket.
    package init(
        settings: RegistrySettings, source: any PackageSource, cacheDirectory: String, cacheBytes: Int = 4 << 30,
        clock: any Clock, port: Int = RegistryPlace.port, limits: DoorLimits = DoorLimits(), logger: Logger
    ) {
        (self.settings, self.source, self.clock, self.port) = (settings, source, clock, port)
        (self.limits, self.logger) = (limits, logger)
        cache = PackageCache(
            directory: cacheDirectory, limitBytes: cacheBytes, disk: WorkerPool(threads: BuildThreads.count))
    }

    private var address: String { "http://127.0.0.1:\(port)" }

    package func environment(for tool: String) -> [String: String] {
        switch tool {
        case "python3": settings.pip.environment(at: address)
        case "node": settings.npm.environment(at: address)
        case "go": settings.go.environment(at: address)
        default: [:]
        }
    }

    package func open(at path: String) async throws(SystemError) -> any RegistryDoor {
        let mirror = try await mirror.value { () throws(SystemError) in try await self.makeMirror() }
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        let socket = try ListeningSocket.listen(
            String(path[path.index(after: slash)...]), in: String(path[..<slash]), mode: 0o666)
        return Door(serving: mirror, at: path, socket, limits: limits, logger: logger)
    }

    private func makeMirror() async throws(SystemError) -> RegistryMirror {
        try await cache.prepare()
        let routes = RegistryRoutes(settings: settings, signer: LinkSigner(secret: try await cache.secret()))
        return RegistryMirror(routes: routes, source: source, cache: cache, clock: clock, address: address)
    }
}

/// One build's socket, and who answers at it.
private final class Door: RegistryDoor {
    private let path: String
    private let connections: Connections
    private let closing = OneShot<Void>()
    private let serving: Task<Void, Never>
    private let answerer: RegistryAnswerer

    var failures: [String] { answerer.failures }

    init(
        serving mirror: RegistryMirror, at path: String, _ socket: Descriptor, limits: RegistryServer.DoorLimits,
        logger: Logger
    ) {
        self.path = path
        let connections = Connections(limit: limits.connections, limitPerAddress: limits.connections) { _ in true }
        self.connections = connections
        let answerer = RegistryAnswerer(mirror: mirror, limitBytes: limits.bytes, logger: logger)
        self.answerer = answerer
        // A build may take its time between two requests, and for what it gets.
        let patience = Duration.seconds(3600)
        let server = HTTPServer(
            configuration: HTTPServer.Configuration(
                listener: .listening(fcntl(socket.number, F_DUPFD_CLOEXEC, 0)), headBytes: 64 * 1024, headFields: 100,
                lingerTime: .seconds(1), lingerBytes: 64 * 1024, answerTimeout: TimeAmount(patience),
                limits: ClientLimits(
                    firstByte: patience, idle: patience, head: .seconds(60), pause: .seconds(10), body: .seconds(10),
                    leastRate: 0)),
            connections: connections,
            handlers: HTTPServer.Handlers(
                respond: { request, _, connection, _ in try await answerer.respond(to: request, on: connection) },
                limits: { _, _ in
                    ClientLimits(
                        firstByte: patience, idle: patience, head: .seconds(60), pause: .seconds(10),
                        body: .seconds(10), leastRate: 0)
                },
                refusal: { _ in RegistryAnswerer.message(.forbidden) }),
            network: SocketNetwork())
        let closing = closing
        // Owned by the door, which waits for it when it is closed.
        serving = Task {
            do {
                try await server.run(onListening: { _ in }) { await closing.wait() }
            } catch {
                logger.error("package registries cannot be served", metadata: ["reason": "\(error)"])
            }
        }
    }

    func close() async {
        closing.signal()
        connections.closeAll()
        serving.cancel()
        await serving.value
        unlink(path)
    }
}
