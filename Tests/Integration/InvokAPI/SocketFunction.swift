import HTTPTypes
import Invok
import InvokProxy
import InvokSim
import Synchronization
import TestSupport
import Testing

@testable import InvokAPI

/// How calls of a warm function are carried out: on the client's event loop, or by a task.
enum CallWay: CaseIterable {
    case direct, task
}

/// A function of a simulated world that a script answers for on a unix socket.
struct SocketFunction: Sendable {
    let server: TestServer
    /// Its path, and its owner's token.
    let path: String
    let token: String
    private let transport: UnixSocketTransport
    private let door: Door

    /// The requests that a task has sent.
    var sentByTasks: Int { door.requests.load(ordering: .sequentiallyConsistent) }

    /// The connections to it, and how many of them are idle.
    var connections: (open: Int, idle: Int) { transport.connectionCounts }

    /// Runs a server with the function while `body` runs. An instance is warm then.
    /// - Parameters:
    ///   - limits: those of its configuration, as `"timeoutSeconds":1`.
    ///   - script: answers on one connection to the instance; its readiness is simulated.
    static func run(
        _ way: CallWay, configuration: ServerConfiguration = ServerConfiguration(port: 0), access: String = "public",
        cors: String = "[]", limits: String = TestServer.noRate, tls: TLSClient? = nil,
        script: @escaping @Sendable (ByteConnection) async throws -> Void,
        body: @escaping @Sendable (SocketFunction) async throws -> Void
    ) async throws {
        let socket = "/tmp/invok-http-\(UInt64.random(in: .min ... .max)).sock"
        let (transport, door) = (UnixSocketTransport(), Door())
        try await ByteServer.run(unixSocket: socket, script: script) {
            try await TestServer.run(
                configuration,
                transport: { RedirectedTransport(sim: $0.transport, transport: transport, door: door) },
                engine: { RedirectedEngine(sim: $0.engine, socket: socket, door: door) },
                instances: way == .direct ? transport : nil, tls: tls
            ) { server in
                let user = try await server.register()
                try await server.deploy("hello", access: access, cors: cors, limits: limits, token: user.token)
                try await body(
                    SocketFunction(
                        server: server, path: "/invok/\(user.user.uuid)/hello", token: user.token, transport: transport,
                        door: door))
            }
            try await eventually("no connection is left that is neither idle nor closed") {
                let counts = transport.connectionCounts
                return counts.open == counts.idle
            }
            await transport.shutdown()
        }
    }
}

/// What the engine and the transport of a test share.
private final class Door: Sendable {
    let requests = Atomic(0)
    /// Where the simulation thinks that instances are.
    let endpoint = Mutex<InstanceEndpoint?>(nil)
}

/// Instances are simulated, and said to be at a socket.
private struct RedirectedEngine: ContainerEngine {
    let sim: any ContainerEngine
    let socket: String
    let door: Door

    func start(_ spec: InstanceSpec) async throws(EngineError) -> RunningInstance {
        let instance = try await sim.start(spec)
        door.endpoint.withLock { $0 = instance.endpoint }
        return RunningInstance(spec, at: .unixSocket(socket))
    }

    func stop(_ id: InstanceID, grace: Duration) async { await sim.stop(id, grace: grace) }
    func list() async throws(EngineError) -> [RunningInstance] { try await sim.list() }
    func exits() -> AsyncStream<InstanceExit> { sim.exits() }
    func egressObstacle() async throws(EngineError) -> String? { try await sim.egressObstacle() }
    func prepare() async throws(EngineError) -> [String] { try await sim.prepare() }
}

/// Readiness is simulated; what else a function is asked, the socket answers.
private struct RedirectedTransport: InstanceTransport {
    let sim: SimTransport
    let transport: UnixSocketTransport
    let door: Door

    func exchange(
        _ request: InvocationRequest, with endpoint: InstanceEndpoint, sink: any ResponseSink,
        workEnded: @escaping @Sendable () -> Void
    ) async throws(TransportError) {
        if request.head.path == "/_invok/ready" {
            let simulated = door.endpoint.withLock { $0 } ?? endpoint
            try await sim.exchange(request, with: simulated, sink: sink, workEnded: workEnded)
        } else {
            door.requests.add(1, ordering: .sequentiallyConsistent)
            try await transport.exchange(request, with: endpoint, sink: sink, workEnded: workEnded)
        }
    }
}
