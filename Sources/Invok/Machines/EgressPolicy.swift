/// What functions may ask for, as the operator has it.
public struct EgressRules: Hashable, Sendable {
    public enum Mode: String, Hashable, Sendable, CaseIterable {
        /// No function reaches anything.
        case off
        /// What they reach, they must list.
        case list
        /// They may also ask for the whole public internet.
        case `public`
    }

    public var mode: Mode
    /// What functions may reach though it is not public; all of them ranges of addresses.
    public var privateDestinations: [Egress.Destination]

    public init(mode: Mode = .public, privateDestinations: [Egress.Destination] = []) {
        self.mode = mode
        self.privateDestinations = privateDestinations
    }

    /// Why a function may not have what it asks for, in words for its author, and what to do; `nil` if it may.
    public func refusal(of egress: Egress) -> InvokError? {
        switch egress {
        case .nothing: return nil
        case .publicInternet where mode == .list:
            return InvokError(
                .forbidden, "this server gives no function the whole internet",
                nextStep: "list the hosts that it calls in config.json, as \"egress\": [\"api.example.com:443\"]")
        case .publicInternet, .list:
            guard mode == .off else { break }
            return InvokError(
                .forbidden, "this server gives functions no network, and 'egress' in config.json asks for it",
                nextStep: "take 'egress' out, or ask the operator to allow it (INVOK_EGRESS)")
        }
        guard case .list(let destinations) = egress else { return nil }
        for destination in destinations {
            guard case .addresses(let range) = destination.place, let what = whyNever(range, destination.port)
            else { continue }
            return InvokError(
                .forbidden, "'egress' in config.json has \(destination), which no function reaches: it is \(what)",
                nextStep: "take it out, or ask the operator to allow it (INVOK_EGRESS_PRIVATE)")
        }
        return nil
    }

    /// Why nothing of a range could be reached. One that is private in parts only is cut down when it is used.
    private func whyNever(_ range: AddressRange, _ port: UInt16?) -> String? {
        guard let first = IPAddress(bytes: range.bytes),
            !privateDestinations.contains(where: { $0.overlaps(range, port) })
        else { return nil }
        let blocks = range.bytes.count == 4 ? ReservedAddresses.v4 : ReservedAddresses.v6
        if let block = blocks.first(where: { $0.range.contains(range) }) { return block.what }
        guard range.bytes.count == 16, !range.overlaps(ReservedAddresses.globalUnicast) else { return nil }
        return ReservedAddresses.what(first)
    }
}

/// What one function may reach: what it asked for, of what there is for functions at all. The engines' rules say the same.
public struct EgressPolicy: Hashable, Sendable {
    public enum Verdict: Hashable, Sendable {
        case allowed
        /// Why not, for the function's log.
        case refused(String)
    }

    public let egress: Egress
    public let rules: EgressRules

    public init(_ egress: Egress, rules: EgressRules) {
        self.egress = egress
        self.rules = rules
    }

    /// Whether the operator lets functions reach an address.
    /// - Parameters:
    ///   - port: `nil` for whether there is any.
    ///   - ours: the addresses of this server, and what its public name resolves to.
    public func isReachable(_ address: IPAddress, port: UInt16?, ours: Set<IPAddress>) -> Verdict {
        guard rules.mode != .off else { return .refused("this server gives functions no network") }
        if rules.privateDestinations.contains(where: { $0.includes(address, port: port) }) { return .allowed }
        if ours.contains(address) { return .refused("it is this server's address") }
        if let what = ReservedAddresses.what(address) { return .refused("it is \(what)") }
        return .allowed
    }

    /// Whether the function asked for an address by itself, not by a name.
    public func lists(_ address: IPAddress, port: UInt16) -> Bool {
        switch egress {
        case .nothing: false
        case .publicInternet: true
        case .list(let destinations): destinations.contains { $0.includes(address, port: port) }
        }
    }

    /// The ports for which a name is listed.
    /// - Parameter name: in lower case, without a dot at its end.
    public func ports(of name: String) -> NamedPorts {
        switch egress {
        case .nothing: return .none
        case .publicInternet: return .all
        case .list(let destinations):
            let ports = destinations.filter { $0.includes(name: name) }.map(\.port)
            if ports.contains(nil) { return .all }
            return ports.isEmpty ? .none : .some(Set(ports.compactMap(\.self)))
        }
    }

    public enum NamedPorts: Hashable, Sendable {
        case none
        case some(Set<UInt16>)
        case all
    }
}

extension Egress.Destination {
    /// - Parameter port: `nil` for whether there is any.
    func includes(_ address: IPAddress, port: UInt16?) -> Bool {
        guard case .addresses(let range) = place, range.contains(address) else { return false }
        return self.port == nil || port == nil || self.port == port
    }

    fileprivate func overlaps(_ other: AddressRange, _ port: UInt16?) -> Bool {
        guard case .addresses(let range) = place, range.overlaps(other) else { return false }
        return self.port == nil || port == nil || self.port == port
    }
}
