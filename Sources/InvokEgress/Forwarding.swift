import InvokPOSIX

/// Whether the machine passes packets on (ip-sysctl in the kernel's documentation), in the namespace of the thread.
enum Forwarding {
    static let v4 = "/proc/sys/net/ipv4/ip_forward"
    private static let v6 = "/proc/sys/net/ipv6/conf/all/forwarding"
    /// Of a route: it is one, and it was learnt from a router's advertisement (linux/ipv6_route.h).
    private static let (isUp, isGateway, isAdvertised) = (0x0001, 0x0002, 0x0004_0000)

    /// A machine that passes on takes no advertisements any more, and would lose its own way out.
    static var canForwardV6: Bool {
        guard let isOn = Files.text(v6) else { return false }
        return canForwardV6(
            routes: Files.text("/proc/thread-self/net/ipv6_route") ?? "", isOn: isOn.hasPrefix("1"))
    }

    /// - Parameter routes: `/proc/net/ipv6_route`: destination, its prefix, source, its prefix, next hop, metric, two
    ///   counts, flags, interface, all numbers in hexadecimal.
    static func canForwardV6(routes: String, isOn: Bool) -> Bool {
        let defaults = routes.split(separator: "\n").compactMap { line -> Int? in
            let fields = line.split(separator: " ")
            guard fields.count == 10, fields[1] == "00", fields[9] != "lo", let flags = Int(fields[8], radix: 16),
                flags & isUp != 0, flags & isGateway != 0
            else { return nil }
            return flags
        }
        return !defaults.isEmpty && (isOn || !defaults.contains { $0 & isAdvertised != 0 })
    }

    static func begin(withIPv6: Bool) throws(NetworkError) {
        do throws(SystemError) {
            for path in [v4] + (withIPv6 ? [v6] : []) where Files.text(path)?.hasPrefix("1") != true {
                try Descriptor.open(path, 1).writeAll(Array("1\n".utf8))
            }
        } catch {
            throw NetworkError(error)
        }
    }
}
