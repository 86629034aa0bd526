import HTTPTypes
import Invok
import InvokProxy
import InvokSim
import NIOCore

/// An instance as a process that answers HTTP/1.1 on a unix socket.
///
/// Used on the simulation's thread only.
final class SimFunctionServer: @unchecked Sendable {
    let instance: SimInstance
    let clock: SimClock
    let idleTime: Duration
    private let machine: SimMachine
    private var random: SimGenerator
    private var connections: [ObjectIdentifier: SimFunctionConnection] = [:]
    private var order: [ObjectIdentifier] = []
    private(set) var takesMore = true

    init(_ instance: SimInstance, on machine: SimMachine, clock: SimClock, seed: UInt64) {
        self.instance = instance
        self.machine = machine
        self.clock = clock
        random = SimGenerator(seed: seed)
        idleTime = .seconds([5, 60][random.below(2)])
        _ = Task { [self] in
            _ = await instance.waitUntilEnded()
            endAll()
        }
    }

    func accept(_ socket: SimSocket, _ from: SimNetwork.Caller) {
        let connection = SimFunctionConnection(socket, at: self, by: from.core)
        connections[ObjectIdentifier(connection)] = connection
        order.append(ObjectIdentifier(connection))
    }

    func remove(_ connection: SimFunctionConnection) {
        connections[ObjectIdentifier(connection)] = nil
        order.removeAll { $0 == ObjectIdentifier(connection) }
    }

    func nextRandom() -> SimGenerator { SimGenerator(seed: random.next()) }

    func require(_ holds: Bool, _ text: String) { machine.require(holds, text) }

    private func endAll() {
        takesMore = false
        for id in order { connections[id]?.close() }
        machine.remove(self)
    }

    // MARK: Requests

    /// - Returns: `false` for one that the instance does not take.
    func begin(_ exchange: SimFunctionExchange, by core: SimCore?) -> Bool {
        guard takesMore, instance.beginRequest(isCheck: exchange.isCheck) != nil else { return false }
        if exchange.isCheck { return true }
        instance.noteUse(by: core)
        let id = exchange.entry.requestFields.last { $0.name == "x-invok-request-id" }?.value
        machine.onRequest(id, exchange.entry, instance, inFlight: connections.values.count(where: \.isWorking))
        return true
    }

    func answer(
        _ request: InvocationRequest, _ exchange: SimFunctionExchange
    ) async -> Result<Void, TransportError> {
        await machine.answer(request, by: instance, sink: exchange)
    }

    func end(_ exchange: SimFunctionExchange) {
        instance.endRequest(isCheck: exchange.isCheck)
        // It is ready, and takes no request.
        guard exchange.isCheck, instance.function.answer == .refuse else { return }
        takesMore = false
        instance.freeze()
    }
}

/// The instances of one machine as processes on the network.
///
/// Used on the simulation's thread only.
package final class SimMachine: @unchecked Sendable {
    private let engine: SimContainerEngine
    private let clock: SimClock
    private let effects: SimEffects
    private let functions: SimTransport
    private let ledger: SimLedger
    private let violation: (String) -> Void
    private var random: SimGenerator
    private var servers: [InstanceID: SimFunctionServer] = [:]
    /// Where somebody has connected. The first to do so is a readiness check, which may come after the instance's end.
    private var visited: Set<InstanceEndpoint> = []

    /// - Parameter violation: told what must not be.
    package init(
        _ engine: SimContainerEngine, on network: SimNetwork, effects: SimEffects, ledger: SimLedger, seed: UInt64,
        violation: @escaping (String) -> Void
    ) {
        self.engine = engine
        clock = network.clock
        self.effects = effects
        self.ledger = ledger
        self.violation = violation
        functions = SimTransport(engine: engine, clock: network.clock, effects: effects)
        random = SimGenerator(seed: seed)
        network.ask(listener)
    }

    private func listener(
        at address: NetworkAddress, from: SimNetwork.Caller, asked: Instant
    ) -> SimNetwork.Accept? {
        guard case .unixSocket(let path) = address else { return nil }
        let endpoint = InstanceEndpoint.unixSocket(path)
        guard let instance = engine.instance(at: endpoint) else {
            if visited.contains(endpoint), let told = engine.wasToldOfEnd(at: endpoint, from.core) {
                engine.events.onRefusal(nil, endpoint, told.duration(to: asked))
            }
            return nil
        }
        let server = server(of: instance)
        guard server.takesMore else { return nil }
        visited.insert(endpoint)
        return { socket, from in server.accept(socket, from) }
    }

    private func server(of instance: SimInstance) -> SimFunctionServer {
        if let server = servers[instance.spec.id] { return server }
        let server = SimFunctionServer(instance, on: self, clock: clock, seed: random.next())
        servers[instance.spec.id] = server
        return server
    }

    func remove(_ server: SimFunctionServer) { servers[server.instance.spec.id] = nil }

    func require(_ holds: Bool, _ text: String) { if !holds { violation(text) } }

    func onRequest(_ id: String?, _ entry: SimLedger.Entry, _ instance: SimInstance, inFlight: Int) {
        // A request that comes a second time, as it may, is no new one.
        if let id, !ledger.add(entry, of: id) { return }
        engine.events.onRequest(id, instance.spec, inFlight)
    }

    func answer(
        _ request: InvocationRequest, by instance: SimInstance, sink: any ResponseSink
    ) async -> Result<Void, TransportError> {
        await effects.perform(
            "function.request",
            "\(instance.running.endpoint) \(request.head.method.rawValue) \(request.head.path ?? "/")",
            at: engine.processors
        ) {}
        return await functions.serve(request, by: instance, sink: sink)
    }
}
