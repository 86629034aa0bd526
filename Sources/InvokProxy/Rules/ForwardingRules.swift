import HTTPTypes
import Invok

/// Who calls, by what the connection and the proxies in front say.
public struct Caller: Hashable, Sendable {
    /// The address that limits and the log go by, or `unknown`.
    public var client: String
    /// The client, and the trusted proxies behind it, as in `X-Forwarded-For`.
    package var chain: [String]
    /// `http` or `https`.
    package var scheme: String
    /// The host and port that the client has asked for.
    package var host: String?
    /// Whether the connection comes from this machine.
    package var isLocal: Bool

    /// What limits count by: that of the address, where the client has one.
    package var limitKey: String { IPAddress(client)?.limitKey ?? client }
}

extension IPAddress {
    /// What limits count by: the address, or the network of an IPv6 one.
    package var limitKey: String { network.description }
}

/// Which forwarding fields are believed, and which a function gets. Fields are their sender's to write, so only a proxy that
/// the operator named is believed (RFC 7239 §8.1).
package struct ForwardingRules: Sendable {
    private let trustedProxies: [AddressRange]
    private let scheme: String

    /// - Parameter scheme: what the server itself speaks, `http` or `https`.
    package init(trustedProxies: [AddressRange], scheme: String = "http") {
        self.trustedProxies = trustedProxies
        self.scheme = scheme
    }

    private enum Name {
        static let `for` = HTTPField.Name("X-Forwarded-For")!
        static let proto = HTTPField.Name("X-Forwarded-Proto")!
        static let host = HTTPField.Name("X-Forwarded-Host")!
        static let prefix = HTTPField.Name("X-Forwarded-Prefix")!
        static let realIP = HTTPField.Name("X-Real-IP")!
    }

    package func trusts(_ address: String) -> Bool {
        guard let address = IPAddress(address) else { return false }
        return trustedProxies.contains { $0.contains(address) }
    }

    /// - Parameter peer: the address at the other end of the connection, or `unknown`.
    package func caller(_ request: HTTPRequest, peer: String) -> Caller {
        let address = IPAddress(peer)
        let peer = address?.description ?? peer
        var caller = Caller(
            client: peer, chain: [peer], scheme: scheme, host: request.authority,
            isLocal: address?.isLoopback ?? false)
        guard trusts(peer) else { return caller }
        // From the right, each was written by the one before: the first that is not trusted is the client. What is no
        // address ends it, and so does the left end.
        for hop in hops(request.headerFields).reversed() {
            caller.client = hop
            caller.chain.insert(hop, at: 0)
            if !trusts(hop) { break }
        }
        if let scheme = last(of: Name.proto, request.headerFields)?.lowercased(), ["http", "https"].contains(scheme) {
            caller.scheme = scheme
        }
        if let host = last(of: Name.host, request.headerFields), Authority(host) != nil { caller.host = host }
        return caller
    }

    /// The request as a function may see it: what names the client comes from here.
    /// - Parameter prefix: where the function stands on an origin that it shares; `nil` on one of its own.
    package func forwarded(_ request: HTTPRequest, of caller: Caller, prefix: String?) -> HTTPRequest {
        var forwarded = request
        forwarded.headerFields = HTTPFields(
            request.headerFields.filter { !RequestFieldRules.namesClient(Array($0.name.canonicalName.utf8)[...]) })
        for field in fields(of: caller) { forwarded.headerFields[field.name] = field.value }
        forwarded.headerFields[Name.prefix] = prefix
        return forwarded
    }

    /// What a function is told of who calls.
    package func fields(of caller: Caller) -> [HTTPField] {
        [(Name.for, caller.chain.joined(separator: ", ")), (Name.realIP, caller.client), (Name.proto, caller.scheme)]
            .map { HTTPField(name: $0, value: $1) }
            + (caller.host.map { [HTTPField(name: Name.host, value: $0)] } ?? [])
    }

    /// The addresses from the right until one is none, in their order.
    private func hops(_ fields: HTTPFields) -> [String] {
        let texts = fields[values: Name.for].flatMap { $0.split(separator: ",") }
        var hops: [String] = []
        for text in texts.reversed() {
            guard let address = Self.address(text.filter { $0 != " " && $0 != "\t" }) else { break }
            hops.append(address.description)
        }
        return hops.reversed()
    }

    /// Some proxies add a port.
    private static func address(_ text: String) -> IPAddress? {
        if let address = IPAddress(text) { return address }
        return Authority(text).flatMap { IPAddress($0.name) }
    }

    private func last(of name: HTTPField.Name, _ fields: HTTPFields) -> String? {
        fields[values: name].last.flatMap { $0.split(separator: ",").last }.map { String($0.filter { $0 != " " }) }
    }
}
