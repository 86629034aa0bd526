/// The addresses that no function reaches unless the operator lists them: all that are not globally reachable by IANA's
/// registries (RFC 6890), those that stand for addresses elsewhere, and one that clouds serve their machines at.
public enum ReservedAddresses {
    public struct Block: Hashable, Sendable {
        public let range: AddressRange
        /// What is there, for a log line.
        public let what: String
    }

    public static let v4 = blocks([
        ("0.0.0.0/8", "this network"), ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a carrier's shared address"), ("127.0.0.0/8", "the loopback"),
        ("168.63.129.16", "a metadata service"), ("169.254.0.0/16", "a link-local address, as metadata services have"),
        ("172.16.0.0/12", "a private address"), ("192.0.0.0/24", "an address of a protocol"),
        ("192.0.2.0/24", "an address for documentation"), ("192.88.99.0/24", "a relay for 6to4"),
        ("192.168.0.0/16", "a private address"), ("198.18.0.0/15", "an address for benchmarks, or another function's"),
        ("198.51.100.0/24", "an address for documentation"), ("203.0.113.0/24", "an address for documentation"),
        ("224.0.0.0/4", "a multicast address"), ("240.0.0.0/4", "a reserved address"),
    ])

    /// Of IPv6 only `globalUnicast` is reached at all (RFC 4291 §2.4); these are the rest of it.
    public static let v6 = blocks([
        ("2001::/23", "an address of a protocol, as Teredo's"), ("2001:db8::/32", "an address for documentation"),
        ("2002::/16", "a 6to4 address"), ("3fff::/20", "an address for documentation"),
    ])

    public static let globalUnicast = range("2000::/3")

    /// Only for what to call them: none of them is in `globalUnicast`.
    private static let otherV6 = blocks([
        ("64:ff9b::/96", "an IPv4 address by NAT64"), ("64:ff9b:1::/48", "an IPv4 address by NAT64"),
        ("fc00::/7", "a private address"), ("fe80::/10", "a link-local address"), ("ff00::/8", "a multicast address"),
        ("::1", "the loopback"),
    ])

    /// What an address is that is not public; `nil` for one that is.
    public static func what(_ address: IPAddress) -> String? {
        guard address.bytes.count == 16 else { return v4.first { $0.range.contains(address) }?.what }
        if globalUnicast.contains(address) { return v6.first { $0.range.contains(address) }?.what }
        return otherV6.first { $0.range.contains(address) }?.what ?? "no public address"
    }

    private static func blocks(_ entries: [(String, String)]) -> [Block] {
        entries.map { Block(range: range($0), what: $1) }
    }

    private static func range(_ text: String) -> AddressRange {
        guard let range = AddressRange(text) else { preconditionFailure("\(text) is no range") }
        return range
    }
}
