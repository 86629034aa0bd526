import Invok

/// What one instance may use of the network at a time.
package struct NetworkLimits: Hashable, Sendable {
    /// By TCP and UDP together.
    package var connections = 256
    /// Each way.
    package var kilobytesPerSecond = 12_500
}

/// The rules of nftables that say of packets what `EgressPolicy` and `EgressGate` say of addresses: one table for all of a
/// server's instances, and in it a chain for each.
///
/// A packet is judged as it comes in from an instance's interface, before any of the machine's own rules may change where it
/// goes. An interface without a chain gets nothing through.
struct NetworkRules: Sendable {
    let block: AddressBlock
    let rules: EgressRules
    let limits: NetworkLimits

    private var table: String { "inet \(block.table)" }

    // MARK: For all

    var setUp: [String] {
        let (v4, v6) = (ReservedAddresses.v4.map(\.range), ReservedAddresses.v6.map(\.range))
        return tearDown + [
            "table \(table) {",
            "set never4 { type ipv4_addr\nflags interval\nelements = { \(Self.list(v4)) }\n}",
            "set never6 { type ipv6_addr\nflags interval\nelements = { \(Self.list(v6)) }\n}",
            "set ours4 { type ipv4_addr\n}", "set ours6 { type ipv6_addr\n}",
            "map gates { type ifname : verdict\n}",
            "map taps { type ifname : verdict\n}",
            "chain reachable {",
        ] + matches(rules.privateDestinations).map { "  \($0) accept" } + [
            """
              fib daddr type != unicast return
              ip daddr @never4 return
              ip daddr @ours4 return
              ip6 daddr != \(ReservedAddresses.globalUnicast) return
              ip6 daddr @never6 return
              ip6 daddr @ours6 return
              accept
            }
            chain out {
              type filter hook prerouting priority mangle; policy accept
              iifname vmap @gates
              iifname "\(block.interfacePrefix)*" drop
            }
            chain back {
              type filter hook forward priority filter; policy accept
              oifname vmap @taps
              oifname "\(block.interfacePrefix)*" ct state established,related accept
              oifname "\(block.interfacePrefix)*" drop
            }
            chain hide {
              type nat hook postrouting priority srcnat; policy accept
              ip saddr \(block.v4Range) oifname != "\(block.interfacePrefix)*" masquerade
              ip6 saddr \(block.v6Range) oifname != "\(block.interfacePrefix)*" masquerade
            }
            """, "}",
        ]
    }

    var tearDown: [String] { ["add table \(table)", "delete table \(table)"] }

    /// Says which addresses callers know this server by.
    func ours(_ addresses: [IPAddress]) -> [String] {
        ["flush set \(table) ours4", "flush set \(table) ours6"]
            + addresses.map { "add element \(table) \($0.bytes.count == 4 ? "ours4" : "ours6") { \($0) }" }
    }

    // MARK: For one instance

    func open(_ place: UInt32, for egress: Egress) -> [String] {
        let interface = "\"\(block.interface(place))\""
        return ["table \(table) {"] + sets(place, egress) + [
            """
            chain c\(place) {
              \(log("c", place))
              \(Self.refusal)
            }
            chain i\(place) {
              limit rate over \(limits.kilobytesPerSecond) kbytes/second burst 4 mbytes drop
              ip saddr != \(block.v4Link(place).instance) drop
              ip6 saddr != { \(block.v6Link(place).instance), fe80::/10 } drop
              icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
              ct state established,related accept
              meta l4proto != { tcp, udp } drop
              ct state new ct count over \(limits.connections) goto c\(place)
            """
        ] + wanted(place, egress).map { "  \($0)jump reachable" } + [
            "  \(log("i", place))", "  \(Self.refusal)", "}",
            "chain t\(place) {",
            "  limit rate over \(limits.kilobytesPerSecond) kbytes/second burst 4 mbytes drop", "}", "}",
            "add element \(table) gates { \(interface) : goto i\(place) }",
            "add element \(table) taps { \(interface) : jump t\(place) }",
        ]
    }

    func close(_ place: UInt32, of egress: Egress) -> [String] {
        let interface = "\"\(block.interface(place))\""
        var commands = [
            "delete element \(table) gates { \(interface) }", "delete element \(table) taps { \(interface) }",
            "delete chain \(table) i\(place)", "delete chain \(table) c\(place)", "delete chain \(table) t\(place)",
        ]
        if case .list = egress { commands += Self.setNames.map { "delete set \(table) i\(place)\($0)" } }
        return commands
    }

    /// What is open already is open for longer: taken away and added anew, in one step.
    func add(_ openings: [EgressGate.Opening], to place: UInt32) -> [String] {
        openings.flatMap { opening in
            let family = opening.address.bytes.count == 4 ? "4" : "6"
            let set = "\(table) i\(place)\(opening.port == nil ? "a" : "n")\(family)"
            let element = opening.port.map { "\(opening.address) . \($0)" } ?? "\(opening.address)"
            let timed = "add element \(set) { \(element) timeout \(opening.seconds)s }"
            return [timed, "delete element \(set) { \(element) }", timed]
        }
    }

    /// What names were answered with: `n` with a port, `a` with all of them.
    private static let setNames = ["n4", "n6", "a4", "a6"]

    private func sets(_ place: UInt32, _ egress: Egress) -> [String] {
        guard case .list = egress else { return [] }
        return [("4", "ipv4_addr"), ("6", "ipv6_addr")].flatMap { family, type in
            let size = "size \(2 * EgressGate.maximumOpenings)"
            return [
                "set i\(place)n\(family) { type \(type) . inet_service\nflags timeout\n\(size)\n}",
                "set i\(place)a\(family) { type \(type)\nflags timeout\n\(size)\n}",
            ]
        }
    }

    private func wanted(_ place: UInt32, _ egress: Egress) -> [String] {
        switch egress {
        case .nothing: return []
        case .publicInternet: return [""]
        case .list(let destinations):
            return matches(destinations).map { $0 + " " }
                + Self.setNames.map { name in
                    let address = name.hasSuffix("4") ? "ip daddr" : "ip6 daddr"
                    return "\(address)\(name.hasPrefix("a") ? "" : " . th dport") @i\(place)\(name) "
                }
        }
    }

    /// At once: the kernel sends few messages of ICMP, so TCP is answered by itself.
    private static let refusal = "meta l4proto tcp reject with tcp reset\nreject with icmpx admin-prohibited"

    /// A line for the function's log, and not more than a few each second.
    private func log(_ kind: String, _ place: UInt32) -> String {
        "limit rate 5/second burst 20 packets log prefix \"\(kind)\(place)\" group \(block.logGroup) snaplen 64 "
            + "queue-threshold 1"
    }

    /// What a packet to one of the listed ranges looks like.
    private func matches(_ destinations: [Egress.Destination]) -> [String] {
        destinations.compactMap { destination in
            guard case .addresses(let range) = destination.place else { return nil }
            let address = "\(range.bytes.count == 4 ? "ip" : "ip6") daddr \(range)"
            return destination.port.map { "\(address) th dport \($0)" } ?? address
        }
    }

    private static func list(_ ranges: [AddressRange]) -> String { ranges.map(\.description).joined(separator: ", ") }
}
