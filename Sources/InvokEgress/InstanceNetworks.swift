import CLinux
import Glibc
public import Invok
import InvokPOSIX
import Logging
import Synchronization

/// Gives instances networks of their own: a namespace with a link (veth(4)) to this machine, rules that hold what the
/// function may reach (`NetworkRules`), and a resolver that holds to the same (`InstanceNetwork`).
///
/// A pool: making a namespace takes longer than starting a function, so one is there before it is needed. Only root can.
public final class InstanceNetworks: Sendable {
    public struct Settings: Sendable {
        public var rules: EgressRules
        /// By which names callers reach this server: what they resolve to, no function reaches.
        public var names: [String]
        package var limits = NetworkLimits()
        /// For the locks of address blocks; one for the machine.
        package var stateDirectory = "/run/invok"
        /// Where the machine's resolvers are named.
        package var resolvers = "/etc/resolv.conf"
        /// What is the machine's network for the instances; `nil` for the one this process is in.
        package var machine: Descriptor?

        public init(rules: EgressRules, names: [String] = []) {
            self.rules = rules
            self.names = names
        }
    }

    private struct State {
        var outcome: Result<NetworkMeans, NetworkError>?
        var warnings: [String] = []
        var prepared: [PreparedNetwork] = []
        var places = Set<UInt32>()
        var nextPlace: UInt32 = 0
        var networks: [UInt32: InstanceNetwork] = [:]
        var isForwarding = false
        var hasRefill = false
    }

    /// Kept ready once a function has asked for one.
    private static let preparedAtATime = 2

    private let settings: Settings
    private let clock: any Clock
    private let logger: Logger
    /// Changes the machine's network; blocks.
    private let worker: EventThread
    private let events: EventThread
    private let ours: OwnAddresses
    private let state = Mutex(State())

    /// - Throws: when there are no threads.
    package init(_ settings: Settings, clock: any Clock, logger: Logger) throws(SystemError) {
        self.settings = settings
        self.clock = clock
        self.logger = logger
        (worker, events) = (try EventThread(), try EventThread())
        ours = OwnAddresses(names: settings.names)
        guard let machine = settings.machine else { return }
        for thread in [worker, events] { thread.submit { try? NetworkNamespace.enter(machine) } }
    }

    // MARK: What the machine can do

    /// Finds out once whether this machine can give instances a network, and takes away what an earlier server left.
    /// - Returns: why it cannot, with what to do about it; `nil` where it can.
    package func obstacle() async -> String? {
        let outcome = await worker.run { self.findOut() }
        if case .failure(let error) = outcome { return error.description }
        return nil
    }

    /// What to tell the operator, once `obstacle` has been asked for.
    package var warnings: [String] { state.withLock { $0.warnings } }

    private func findOut() -> Result<NetworkMeans, NetworkError> {
        if let outcome = state.withLock({ $0.outcome }) { return outcome }
        let outcome = Result<NetworkMeans, NetworkError> { () throws(NetworkError) in try setUp() }
        state.withLock { $0.outcome = outcome }
        return outcome
    }

    private func setUp() throws(NetworkError) -> NetworkMeans {
        guard settings.rules.mode != .off else { throw NetworkError("the operator allows none (INVOK_EGRESS=off)") }
        guard geteuid() == 0 else {
            throw NetworkError("only root can give each function a network of its own; run the server as root")
        }
        guard access(Forwarding.v4, W_OK) == 0 else {
            throw NetworkError("\(Forwarding.v4) cannot be written, so the machine passes nothing on")
        }
        let tools = try NetworkTools.find()
        let block = try AddressBlock.take(in: settings.stateDirectory)
        let rules = NetworkRules(block: block, rules: settings.rules, limits: settings.limits)
        try tools.rules(rules.setUp)
        let (machine, refusals): (Descriptor, Descriptor)
        do throws(SystemError) {
            machine = try NetworkNamespace.current()
            refusals = try RefusedPackets.listen(to: block.logGroup)
        } catch {
            throw NetworkError(error)
        }
        let means = NetworkMeans(
            tools: tools, block: block, rules: rules, hasIPv6: Forwarding.canForwardV6, machine: machine,
            refusals: refusals)
        let prepared = try prepare(means)
        // Whether the kernel has all that they take.
        for egress in [Egress.publicInternet, .list([])] {
            try tools.rules(rules.open(prepared.place, for: egress))
            try tools.rules(rules.close(prepared.place, of: egress))
        }
        let chains = try tools.rules(["list chains"])
        state.withLock { state in
            state.prepared = [prepared]
            state.warnings = Self.warnings(chains: chains, hasIPv6: means.hasIPv6)
        }
        events.watch(refusals) { [weak self] in
            guard let self else { return .done }
            return RefusedPackets.read(refusals) { packet in
                self.state.withLock { $0.networks[packet.place] }?.refused(packet)
            }
        }
        return means
    }

    /// - Parameter chains: what nft(8) lists.
    static func warnings(chains: String, hasIPv6: Bool) -> [String] {
        var warnings: [String] = []
        if chains.split(separator: "\n").contains(where: { $0.contains("hook forward") && $0.contains("policy drop") })
        {
            warnings.append(
                "this machine's firewall drops what it does not expect to pass on, so functions with egress may reach "
                    + "nothing: let through what comes from and goes to interfaces named 'ivk*' "
                    + "(iptables -I FORWARD -i 'ivk+' -j ACCEPT; iptables -I FORWARD -o 'ivk+' -j ACCEPT)")
        }
        if !hasIPv6 {
            warnings.append(
                "functions with egress have no IPv6: this machine has no route for it, or learns it by router "
                    + "advertisements (then set net.ipv6.conf.all.forwarding=1 and accept_ra=2 of its interface)")
        }
        return warnings
    }

    // MARK: One instance

    /// Gives a network to an instance.
    /// - Parameter log: a line for the function's log.
    package func take(
        for egress: Egress, log: @escaping @Sendable (String) -> Void
    ) async throws(NetworkError) -> InstanceNetwork {
        await ours.refresh(clock.now())
        let result = await worker.run { [self] in
            Result<InstanceNetwork, NetworkError> { () throws(NetworkError) in try give(to: egress, log) }
        }
        return try result.get()
    }

    private func give(
        to egress: Egress, _ log: @escaping @Sendable (String) -> Void
    ) throws(NetworkError) -> InstanceNetwork {
        let means = try findOut().get()
        try beginForwarding(means)
        let prepared: PreparedNetwork
        if let ready = state.withLock({ $0.prepared.isEmpty ? nil : $0.prepared.removeFirst() }) {
            prepared = ready
        } else {
            prepared = try prepare(means)
        }
        do throws(NetworkError) {
            try means.tools.rules(means.rules.ours(ours.named) + means.rules.open(prepared.place, for: egress))
        } catch {
            discard(prepared, means)
            throw error
        }
        let network = InstanceNetwork(
            namespace: prepared.namespace, place: prepared.place, resolver: prepared.resolver,
            policy: EgressPolicy(egress, rules: settings.rules),
            surroundings: surroundings(of: prepared.place, means, log))
        state.withLock { $0.networks[prepared.place] = network }
        network.begin()
        refill(means)
        return network
    }

    private func surroundings(
        of place: UInt32, _ means: NetworkMeans, _ log: @escaping @Sendable (String) -> Void
    ) -> InstanceNetwork.Surroundings {
        InstanceNetwork.Surroundings(
            clock: clock, resolvers: settings.resolvers, ours: { [ours] in ours.all },
            open: { [worker, weak self] openings, then in
                worker.submit { [weak self] in then(self?.open(openings, for: place, means) ?? false) }
            }, events: events, log: log)
    }

    /// - Returns: whether they are open.
    private func open(_ openings: [EgressGate.Opening], for place: UInt32, _ means: NetworkMeans) -> Bool {
        // Its chains may be another's by now.
        guard state.withLock({ $0.networks[place] }) != nil else { return false }
        do throws(NetworkError) {
            try means.tools.rules(means.rules.add(openings, to: place))
            return true
        } catch {
            logger.error("addresses cannot be opened for a function: \(error)")
            return false
        }
    }

    /// Takes an instance's network back, whose processes are gone.
    package func giveBack(_ network: InstanceNetwork) async {
        network.end()
        await worker.run { [self] in
            guard case .success(let means)? = state.withLock({ $0.outcome }) else { return }
            state.withLock { _ = $0.networks.removeValue(forKey: network.place) }
            do throws(NetworkError) {
                try means.tools.rules(means.rules.close(network.place, of: network.egress))
                try means.tools.link(["link delete \(means.block.interface(network.place))"])
            } catch {
                // Its place stays taken, so that nobody gets what it had.
                return logger.error("a function's network is left behind: \(error)")
            }
            state.withLock { _ = $0.places.remove(network.place) }
        }
    }

    /// Takes away what is left of it all. Call it once no instance runs any more.
    package func close() async {
        await worker.run { [self] in
            guard case .success(let means)? = state.withLock({ $0.outcome }) else { return }
            for prepared in state.withLock({ state in
                defer { state.prepared = [] }
                return state.prepared
            }) { discard(prepared, means) }
            _ = try? means.tools.rules(means.rules.tearDown)
            state.withLock { $0.outcome = .failure(NetworkError("the server stops")) }
        }
    }

    // MARK: Namespaces

    private func beginForwarding(_ means: NetworkMeans) throws(NetworkError) {
        guard !state.withLock({ $0.isForwarding }) else { return }
        try Forwarding.begin(withIPv6: means.hasIPv6)
        state.withLock { $0.isForwarding = true }
    }

    private func refill(_ means: NetworkMeans) {
        let isNew = state.withLock { state in
            guard !state.hasRefill, state.prepared.count < Self.preparedAtATime else { return false }
            state.hasRefill = true
            return true
        }
        guard isNew else { return }
        worker.submit { [weak self] in
            guard let self else { return }
            let result = Result<PreparedNetwork, NetworkError> { () throws(NetworkError) in try self.prepare(means) }
            self.state.withLock { state in
                state.hasRefill = false
                if case .success(let prepared) = result { state.prepared.append(prepared) }
            }
            switch result {
            case .success: self.refill(means)
            case .failure(let error): self.logger.warning("no network was made ahead of its time: \(error)")
            }
        }
    }

    /// A place that nobody has, the one that has been free longest as far as that is known.
    private func takePlace() throws(NetworkError) -> UInt32 {
        let place: UInt32? = state.withLock { state in
            for offset in 0..<AddressBlock.places {
                let place = (state.nextPlace + offset) % AddressBlock.places
                guard state.places.insert(place).inserted else { continue }
                state.nextPlace = place + 1
                return place
            }
            return nil
        }
        guard let place else { throw NetworkError("\(AddressBlock.places) instances have a network already") }
        return place
    }

    private func prepare(_ means: NetworkMeans) throws(NetworkError) -> PreparedNetwork {
        let place = try takePlace()
        do throws(NetworkError) { return try means.prepare(place) } catch {
            state.withLock { _ = $0.places.remove(place) }
            throw error
        }
    }

    private func discard(_ prepared: PreparedNetwork, _ means: NetworkMeans) {
        means.removeLink(of: prepared.place)
        state.withLock { _ = $0.places.remove(prepared.place) }
    }
}
