import HTTPTypes
import Invok
import InvokAPI
import InvokProxy
import InvokSim
import InvokSimNetwork
import Logging
import Synchronization

/// The simulated network of a cluster: clients on one side, functions on the other, and the real proxy between them.
///
/// Used on the simulation's thread only.
final class SimBytes: @unchecked Sendable {
    let network: SimNetwork
    let ledger: SimLedger
    let client: SimHTTPClient
    let checker: SimChecker
    private let effects: SimEffects
    private let seeds: SimRandomness
    /// Calls that go on, by the identifiers of their requests.
    private var calls: [String: SimCall] = [:]

    init(seed: UInt64, clock: SimClock, effects: SimEffects, faults: SimFaultPlan, checker: SimChecker) {
        self.checker = checker
        self.effects = effects
        seeds = SimRandomness(seed: seed).stream("network")
        network = SimNetwork(seed: seeds.stream("connections").next(), clock: clock, faults: faults)
        ledger = SimLedger { holds, text in checker.require(holds, text) }
        client = SimHTTPClient(network, seed: seeds.stream("client").next())
    }

    /// Has the instances of a machine speak bytes.
    func add(_ engine: SimContainerEngine, _ number: Int) {
        // The network asks it from now on.
        _ = SimMachine(
            engine, on: network, effects: effects, ledger: ledger, seed: seeds.stream("machine \(number)").next(),
            violation: checker.violation)
    }

    /// The process of a core that starts.
    func process(of core: SimCore) -> Process {
        let host = network.host(core.name, core: core)
        _ = core.atCrash { host.end() }
        let network = SimByteNetwork(network, of: host)
        return Process(bytes: self, core: core, network: network, transport: UnixSocketTransport(network: network))
    }

    struct Process {
        let bytes: SimBytes
        let core: SimCore
        let network: SimByteNetwork
        let transport: UnixSocketTransport

        /// Starts the server. Returns when it takes connections.
        func serve(_ system: InvokSystem) async -> SimByteServer {
            let server = SimByteServer(core: core, bytes: bytes)
            await server.start(system, network, transport)
            return server
        }
    }

    /// Ends all connections and all that goes on there.
    func end() async {
        client.closeIdle()
        network.end()
        // What others see of it takes a moment.
        try? await network.clock.sleep(until: network.clock.now().advanced(by: .seconds(1)))
    }

    // MARK: Calls

    func begin(_ call: SimCall?, _ id: String?) { if let call, let id { calls[id] = call } }

    func end(_ id: String?) { if let id { calls[id] = nil } }

    /// The call that the request belongs to.
    func call(of request: HTTPRequest) -> SimCall? {
        HTTPField.Name("X-Request-Id").flatMap { request.headerFields[$0] }.flatMap { calls[$0] }
    }
}

/// One core's server on the simulated network: all of the real one.
///
/// Used on the simulation's thread only.
final class SimByteServer: @unchecked Sendable {
    private let core: SimCore
    let bytes: SimBytes
    let address: NetworkAddress
    private let listening = SimLatch()
    private let stopping = SimLatch()
    private let ended = SimLatch()

    init(core: SimCore, bytes: SimBytes) {
        self.core = core
        self.bytes = bytes
        address = .host(core.name, port: 80)
    }

    var hasEnded: Bool { ended.isOpen }

    /// Returns once it takes connections.
    func start(_ system: InvokSystem, _ network: SimByteNetwork, _ transport: UnixSocketTransport) async {
        let configuration = ServerConfiguration(
            host: core.name, port: 80, world: ["store": "sim"], connections: 10_000, connectionsPerAddress: 5000)
        let logger = Logger(label: "sim") { _ in SwiftLogNoOpLogHandler() }
        let server = InvokServer(
            system: system, configuration: configuration, transport: transport, network: network, logger: logger
        ).httpServer { [bytes] respond in
            { request, body, connection, earlier in
                try await SimCall.$current.withValue(bytes.call(of: request)) {
                    try await respond(request, body, connection, earlier)
                }
            }
        }
        core.start { [self] in
            do {
                try await server.run(onListening: { _ in self.listening.open() }) { _ = await self.stopping.wait() }
                await transport.shutdown()
            } catch {
                bytes.checker.violation("\(core.name) cannot listen: \(error)")
            }
            ended.open()
        }
        _ = await listening.wait()
    }

    /// Takes no new requests from now on; those that it has are answered.
    func stop() { stopping.open() }

    /// Sends a request over the network, and holds the answer against what functions have sent.
    /// - Parameter requestID: that of a call of a function.
    func exchange(
        _ head: HTTPRequest, body: [UInt8], from client: String, requestID: String?, sink: any ResponseSink,
        pace: SimConnection.Pace?
    ) async -> SimHTTPClient.Outcome {
        bytes.begin(SimCall.current, requestID)
        defer { bytes.end(requestID) }
        return await bytes.client.exchange(
            head, body: body, to: address, from: client, sink: sink, pace: pace
        ) { received in
            guard let requestID else { return }
            bytes.checker.onBytes(received, of: bytes.ledger.entries(of: requestID), id: requestID)
            bytes.ledger.forget(requestID)
        }
    }
}
