/// The way out of one instance: a DNS policy in front of an allowlist of addresses. It answers only for the names that the
/// function may reach, and what it answers is open for as long as the answer lives, as Cilium's `toFQDNs` does.
///
/// Pure: whoever drives it sends what it says, asks other resolvers, and opens addresses before it passes an answer on.
public struct EgressGate: Sendable {
    /// What becomes open for the instance, to be closed by itself once its time is over.
    public struct Opening: Hashable, Sendable {
        public let address: IPAddress
        /// `nil` for every port.
        public let port: UInt16?
        public let seconds: Int
    }

    /// A query on its way.
    public struct Lookup: Hashable, Sendable {
        public let question: DNSQuestion
        let query: [UInt8]

        /// What to send to another resolver.
        /// - Parameter id: one that nobody can guess.
        public func message(id: UInt16) -> [UInt8] { DNSMessage.query(question, id: id) }

        /// The answer when no other resolver gave one.
        public var failure: [UInt8] { DNSMessage.reply(to: query, .serverFailure, question: question) }
    }

    public enum QueryStep: Hashable, Sendable {
        case ignore
        /// - Parameter refused: what it was that the function may not reach, for its log.
        case reply([UInt8], refused: String?)
        case ask(Lookup)
    }

    public struct ResponseStep: Hashable, Sendable {
        /// To be sent once all of `openings` is open.
        public let reply: [UInt8]
        public let openings: [Opening]
        /// What was left out of it, for the function's log.
        public let refused: String?
    }

    private struct Hole: Hashable {
        let address: IPAddress
        let port: UInt16?
    }

    /// An address stays open so long at least: clients use what they have looked up a while ago.
    public static let shortestSeconds = 60
    public static let longestSeconds = 3600
    public static let maximumOpenings = 512
    /// Longer messages are none of ours.
    public static let maximumMessageBytes = 4096
    /// Types of records that say nothing of addresses, or whose addresses are not opened: NS, CNAME, SOA, PTR, MX, TXT,
    /// SRV, NAPTR, TLSA, CAA.
    private static let passedOn: Set<UInt16> = [2, 5, 6, 12, 15, 16, 33, 35, 52, 257]
    /// IXFR, AXFR, MAILB, MAILA, ANY (RFC 1035 §3.2.3).
    private static let meta: ClosedRange<UInt16> = 251...255

    public let policy: EgressPolicy
    /// Until when.
    private var holes: [Hole: Instant] = [:]

    public init(_ policy: EgressPolicy) { self.policy = policy }

    // MARK: Names

    /// What to do about a message that the instance sent to its resolver.
    public func onQuery(_ query: [UInt8]) -> QueryStep {
        guard query.count <= Self.maximumMessageBytes, let read = DNSMessage.query(query) else { return .ignore }
        let question: DNSQuestion
        switch read {
        case .wrong(let code): return .reply(DNSMessage.reply(to: query, code), refused: nil)
        case .question(let given): question = given
        }
        guard let name = question.name, policy.ports(of: name) != .none else {
            let text = String(DNSMessage.text(question.labels).prefix(80))
            return .reply(
                DNSMessage.reply(to: query, .noSuchName, question: question),
                refused: "'\(text)': 'egress' in config.json does not list it")
        }
        if Self.meta.contains(question.type) {
            return .reply(DNSMessage.reply(to: query, .notImplemented, question: question), refused: nil)
        }
        guard question.asksForAddresses || Self.passedOn.contains(question.type) else {
            // There is such a name, and nothing of that kind: clients ask for its addresses then.
            return .reply(DNSMessage.reply(to: query, .ok, question: question), refused: nil)
        }
        return .ask(Lookup(question: question, query: query))
    }

    /// What another resolver answered.
    /// - Parameters:
    ///   - id: what the message to it had.
    ///   - ours: addresses of this server.
    /// - Returns: `nil` for what is no answer to it: wait for another one.
    public mutating func onResponse(
        _ response: [UInt8], to lookup: Lookup, id: UInt16, ours: Set<IPAddress>, now: Instant
    ) -> ResponseStep? {
        guard response.count <= Self.maximumMessageBytes,
            let read = DNSMessage.response(response, to: lookup.question, id: id)
        else { return nil }
        switch read {
        case .failed(let code):
            return ResponseStep(
                reply: DNSMessage.reply(to: lookup.query, code, question: lookup.question), openings: [], refused: nil)
        case .other:
            return ResponseStep(reply: Array(lookup.query[..<2] + response[2...]), openings: [], refused: nil)
        case .addresses(let addresses, let seconds):
            return answer(lookup, addresses, min(seconds, Self.longestSeconds), ours, now)
        }
    }

    private mutating func answer(
        _ lookup: Lookup, _ addresses: [IPAddress], _ seconds: Int, _ ours: Set<IPAddress>, _ now: Instant
    ) -> ResponseStep {
        let name = lookup.question.name ?? ""
        let ports: [UInt16?] =
            switch policy.ports(of: name) {
            case .none: []
            case .all: [nil]
            case .some(let ports): ports.sorted()
            }
        var (reachable, wanted, refused) = ([IPAddress](), [Hole](), String?.none)
        for address in addresses {
            let open = ports.filter { policy.isReachable(address, port: $0, ours: ours) == .allowed }
            if open.isEmpty, case .refused(let why) = policy.isReachable(address, port: nil, ours: ours) {
                refused = "'\(name)' is at \(address), which no function reaches: \(why)"
            }
            guard !open.isEmpty else { continue }
            reachable.append(address)
            wanted += open.map { Hole(address: address, port: $0) }
        }
        if policy.egress == .publicInternet { wanted = [] }  // open already
        guard let openings = open(wanted, for: seconds, now) else {
            return ResponseStep(
                reply: lookup.failure, openings: [],
                refused: "'\(name)': more than \(Self.maximumOpenings) addresses are open already")
        }
        return ResponseStep(
            reply: DNSMessage.reply(
                to: lookup.query, .ok, question: lookup.question, addresses: reachable, seconds: seconds),
            openings: openings, refused: refused)
    }

    /// - Returns: what is not open for long enough already; `nil` if that is too much.
    private mutating func open(_ wanted: [Hole], for seconds: Int, _ now: Instant) -> [Opening]? {
        let least = Duration.seconds(max(seconds, Self.shortestSeconds))
        let late = wanted.filter { holes[$0].map { $0 < now.advanced(by: least) } ?? true }
        if late.contains(where: { holes[$0] == nil }) {
            holes = holes.filter { $0.value > now }
            guard holes.count + late.count <= Self.maximumOpenings else { return nil }
        }
        // Somewhat longer, so that what is asked again and again is opened again only now and then.
        let time = least + .seconds(Self.shortestSeconds)
        return late.map { hole in
            holes[hole] = now.advanced(by: time)
            return Opening(address: hole.address, port: hole.port, seconds: Int(time.components.seconds))
        }
    }

    // MARK: Addresses

    /// Whether the instance may begin a connection by TCP or a conversation by UDP.
    public func verdict(
        on address: IPAddress, port: UInt16, ours: Set<IPAddress>, now: Instant
    ) -> EgressPolicy.Verdict {
        let reachable = policy.isReachable(address, port: port, ours: ours)
        guard reachable == .allowed else { return reachable }
        if policy.lists(address, port: port) { return .allowed }
        let isOpen = [nil, port].contains { holes[Hole(address: address, port: $0)].map { $0 > now } ?? false }
        return isOpen ? .allowed : .refused("'egress' in config.json does not list it")
    }
}
