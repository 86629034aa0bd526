public import HTTPTypes
public import Invok
import InvokSim
import Synchronization

/// One core with its machine, and the network to it, for scenarios that expect exact answers: effects and messages take
/// their time, tasks run in any order, nothing fails.
public struct SimSite: Sendable {
    private let cluster: SimCluster
    private let latencies: SimFaultPlan
    private let takesInstances: Bool

    public init(seed: UInt64, makeServer: @escaping SimServerMaker) {
        let root = SimRandomness(seed: seed)
        cluster = SimCluster(
            seed: seed, cores: 1, faults: SimFaultPlan(seed: seed, faults: []), isTight: false, namesRequests: false,
            makeServer: makeServer)
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

    /// Ends what the core does by itself.
    public func stop() async { await node.stop() }

    /// Sends a request over the network.
    /// - Returns: how the answer ended; it is in the sink. Without a core it is cut off before it begins.
    public func exchange(
        _ head: HTTPRequest, body: [UInt8], sink: any ResponseSink
    ) async -> SimConnection.End {
        await cluster.sleep(latencies.latency())
        guard let life = node.life else { return .cutOff }
        let end = await life.core.exchange(head, body: body, with: life.server, sink: sink)
        await cluster.sleep(latencies.latency())
        return end
    }

    private var node: SimNode { cluster.nodes[0] }
}
