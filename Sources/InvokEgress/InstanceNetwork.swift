import Invok
import InvokPOSIX
import Synchronization

/// The network of one instance: a namespace whose one link leads to this machine's rules, and a resolver at 127.0.0.53 that
/// is the way to open them. The resolver runs in the server, on sockets that lie in the instance's namespace: nothing of the
/// instance ever reaches a port of the machine.
package final class InstanceNetwork: Sendable {
    /// For what a driver needs of the server's networks.
    struct Surroundings: Sendable {
        let clock: any Clock
        /// Where the machine's resolvers are named.
        let resolvers: String
        /// What callers reach this server by, and its own addresses.
        let ours: @Sendable () -> Set<IPAddress>
        /// Opens addresses, then calls back with whether it could.
        let open: @Sendable ([EgressGate.Opening], _ then: @escaping @Sendable (Bool) -> Void) -> Void
        /// Watches on the thread of the machine's namespace.
        let events: EventThread
        /// A line for the function's log.
        let log: @Sendable (String) -> Void
    }

    /// Of an instance at a time; beyond them the oldest is given up.
    private static let maximumLookups = 32
    /// Clients ask again before.
    private static let lookupTime = Duration.seconds(5)
    private static let queriesInARow = 16

    private struct Asked {
        let socket: Descriptor
        let since: Instant
    }

    private struct State {
        var gate: EgressGate
        var refusals = RefusalLog()
        var asked: [Asked] = []
        /// Which of the machine's resolvers is asked.
        var turn = 0
        var isClosed = false
    }

    package let namespace: Descriptor
    let place: UInt32
    private let resolver: Descriptor
    private let surroundings: Surroundings
    private let state: Mutex<State>

    init(
        namespace: Descriptor, place: UInt32, resolver: Descriptor, policy: EgressPolicy, surroundings: Surroundings
    ) {
        self.namespace = namespace
        self.place = place
        self.resolver = resolver
        self.surroundings = surroundings
        state = Mutex(State(gate: EgressGate(policy)))
    }

    func begin() {
        surroundings.events.watch(resolver) { self.answerQueries() }
    }

    func end() {
        let asked = state.withLock { state in
            state.isClosed = true
            defer { state.asked = [] }
            return state.asked
        }
        for lookup in asked { DatagramSocket.shut(lookup.socket) }
        DatagramSocket.shut(resolver)
    }

    var egress: Egress { state.withLock { $0.gate.policy.egress } }

    // MARK: Queries

    private func answerQueries() -> EventThread.Next {
        for _ in 0..<Self.queriesInARow {
            guard !state.withLock({ $0.isClosed }) else { return .done }
            guard
                let (query, peer) = DatagramSocket.receive(
                    from: resolver, atMost: EgressGate.maximumMessageBytes + 1)
            else { return .more }
            switch state.withLock({ $0.gate.onQuery(query) }) {
            case .ignore: break
            case .reply(let reply, let refused):
                if let refused { note(refused) }
                DatagramSocket.send(reply, from: resolver, to: peer)
            case .ask(let lookup): ask(lookup, for: peer)
            }
        }
        // One that asks without end is not to keep the thread from others.
        return .pause
    }

    private func ask(_ lookup: EgressGate.Lookup, for peer: DatagramSocket.Peer) {
        let now = surroundings.clock.now()
        let (late, turn) = state.withLock { state in
            let late = state.asked.enumerated().prefix { index, asked in
                state.asked.count - index >= Self.maximumLookups || asked.since.advanced(by: Self.lookupTime) <= now
            }.map(\.element.socket)
            state.asked.removeFirst(late.count)
            if !late.isEmpty { state.turn += 1 }
            return (late, state.turn)
        }
        for socket in late { DatagramSocket.shut(socket) }
        let servers = Nameservers.read(surroundings.resolvers)
        let id = UInt16.random(in: 0...UInt16.max)
        guard !servers.isEmpty,
            let socket = try? DatagramSocket.connected(to: servers[turn % servers.count], port: 53),
            (try? socket.writeAll(lookup.message(id: id))) != nil
        else {
            state.withLock { $0.turn += 1 }
            return DatagramSocket.send(lookup.failure, from: resolver, to: peer)
        }
        state.withLock { $0.asked.append(Asked(socket: socket, since: now)) }
        surroundings.events.watch(socket) { self.answer(lookup, id, socket, peer) }
    }

    private func answer(
        _ lookup: EgressGate.Lookup, _ id: UInt16, _ socket: Descriptor, _ peer: DatagramSocket.Peer
    ) -> EventThread.Next {
        let isWanted = state.withLock { state in state.asked.contains { $0.socket === socket } }
        guard isWanted else { return .done }
        let received = DatagramSocket.receive(from: socket, atMost: EgressGate.maximumMessageBytes + 1)
        guard let response = received?.bytes, !response.isEmpty else {
            finish(socket, hasFailed: true)
            DatagramSocket.send(lookup.failure, from: resolver, to: peer)
            return .done
        }
        let (now, ours) = (surroundings.clock.now(), surroundings.ours())
        let step = state.withLock { $0.gate.onResponse(response, to: lookup, id: id, ours: ours, now: now) }
        guard let step else { return .more }
        finish(socket, hasFailed: false)
        if let refused = step.refused { note(refused) }
        guard !step.openings.isEmpty else {
            DatagramSocket.send(step.reply, from: resolver, to: peer)
            return .done
        }
        surroundings.open(step.openings) { [resolver] isOpen in
            DatagramSocket.send(isOpen ? step.reply : lookup.failure, from: resolver, to: peer)
        }
        return .done
    }

    private func finish(_ socket: Descriptor, hasFailed: Bool) {
        state.withLock { state in
            state.asked.removeAll { $0.socket === socket }
            if hasFailed { state.turn += 1 }
        }
    }

    // MARK: Packets

    /// What the rules refused.
    func refused(_ packet: RefusedPacket) {
        let target = "\(packet.transport) \(packet.target)"
        guard packet.reason == .notAllowed else { return note("\(target): it has too many connections at a time") }
        let (now, ours) = (surroundings.clock.now(), surroundings.ours())
        let verdict = state.withLock {
            $0.gate.verdict(on: packet.address, port: packet.port ?? 0, ours: ours, now: now)
        }
        guard case .refused(let why) = verdict else { return note(target) }
        note("\(target): \(why)")
    }

    private func note(_ text: String) {
        let now = surroundings.clock.now()
        for line in state.withLock({ $0.refusals.onRefused(text, now: now) }) { surroundings.log(line) }
    }
}
