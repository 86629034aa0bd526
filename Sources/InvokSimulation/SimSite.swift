public import HTTPTypes
public import Invok
import InvokSim
import InvokSimNetwork
import Synchronization

/// One core with its machine, and the network to it, for scenarios that expect exact answers: effects and messages take
/// their time, tasks run in any order, nothing fails.
public struct SimSite: Sendable {
    private let cluster: SimCluster
    private let latencies: SimFaultPlan
    private let takesInstances: Bool

    /// - Parameter onBytes: whether requests go over a simulated network, as bytes.
    public init(seed: UInt64, onBytes: Bool = false, makeServer: @escaping SimServerMaker) {
        let root = SimRandomness(seed: seed)
        cluster = SimCluster(
            seed: seed, cores: 1, faults: SimFaultPlan(seed: seed, faults: []), isTight: false, namesRequests: false,
            onBytes: onBytes, makeServer: makeServer)
        latencies = SimFaultPlan(seed: root.stream("network").next(), faults: [])
        var choice = root.stream("crashes").generator
        takesInstances = choice.below(2) == 0
    }

    /// Virtual time.
    public var clock: SimClock { cluster.clock }
    /// What did not hold so far.
    public var violations: [String] { cluster.checker.violations }
    /// Over all effects.
    public var traceHash: UInt64 { cluster.effects.traceHash }

    /// Starts a core. Returns when it serves.
    public func start() async { await node.boot() }

    /// Ends the core where it stands. The instances go with it or stay, as the seed says.
    public func crash() async { _ = await node.crash(takesInstances: takesInstances) }

    /// Ends what the core does by itself, and all connections.
    public func stop() async {
        await node.stop()
        await cluster.bytes?.end()
    }

    /// Sends a request over the network.
    /// - Returns: how the answer ended; it is in the sink. Without a core it is cut off before it begins.
    public func exchange(
        _ head: HTTPRequest, body: [UInt8], sink: any ResponseSink
    ) async -> SimConnection.End {
        await cluster.sleep(latencies.latency())
        guard let life = node.life else { return .cutOff }
        if let server = life.byteServer {
            return await server.exchange(head, body: body, from: "192.0.2.1", requestID: nil, sink: sink, pace: nil).end
        }
        let end = await life.core.exchange(head, body: body, with: life.server, sink: sink)
        await cluster.sleep(latencies.latency())
        return end
    }

    private var node: SimNode { cluster.nodes[0] }
}
