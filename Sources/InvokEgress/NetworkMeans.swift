import Glibc
import Invok
import InvokPOSIX

/// What works once the machine has been found able to. Its calls block, and want a thread in the machine's namespace.
struct NetworkMeans: Sendable {
    private static let resolverAddress = "127.0.0.53"

    let tools: NetworkTools
    let block: AddressBlock
    let rules: NetworkRules
    let hasIPv6: Bool
    /// The namespace of the machine's network.
    let machine: Descriptor
    /// Tells of packets that were refused.
    let refusals: Descriptor

    /// Makes a namespace, the link to it, and the socket of its resolver.
    func prepare(_ place: UInt32) throws(NetworkError) -> PreparedNetwork {
        do throws(NetworkError) {
            let (interface, four, six) = (block.interface(place), block.v4Link(place), block.v6Link(place))
            let prepared = try NetworkNamespace.make { (namespace) throws(NetworkError) in
                try tools.link(
                    [
                        "link set lo up",
                        "link add eth0 type veth peer name \(interface) netns /proc/\(getpid())/fd/\(machine.number)",
                        "address add \(four.instance)/31 dev eth0",
                    ] + (hasIPv6 ? ["address add \(six.instance)/127 dev eth0 nodad"] : []) + [
                        "link set eth0 up", "route add default via \(four.host)",
                    ])
                return PreparedNetwork(place: place, namespace: namespace, resolver: try Self.resolver())
            }
            try tools.link(
                ["address add \(four.host)/31 dev \(interface)"]
                    + (hasIPv6 ? ["address add \(six.host)/127 dev \(interface) nodad"] : [])
                    + ["link set \(interface) up"])
            // Only once the link is up does the kernel take the gateway.
            if hasIPv6 { try tools.link(["route add default via \(six.host)"], in: prepared.namespace) }
            return prepared
        } catch {
            removeLink(of: place)
            throw error
        }
    }

    /// What holds the other end of the link may be there still.
    func removeLink(of place: UInt32) { _ = try? tools.link(["link delete \(block.interface(place))"]) }

    private static func resolver() throws(NetworkError) -> Descriptor {
        guard let address = IPAddress(resolverAddress) else { preconditionFailure("it is an address") }
        do throws(SystemError) { return try DatagramSocket.bound(to: address, port: 53) } catch {
            throw NetworkError(error)
        }
    }
}

/// The network of an instance that is not there yet.
struct PreparedNetwork: Sendable {
    let place: UInt32
    let namespace: Descriptor
    let resolver: Descriptor
}
