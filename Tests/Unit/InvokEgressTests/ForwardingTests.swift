import Testing

@testable import InvokEgress

struct ForwardingTests {
    private static let zeros = String(repeating: "0", count: 32)
    private static let gateway = "fe80000000000000000000000000000a"

    /// A line of `/proc/net/ipv6_route`, a default route unless it says otherwise.
    private func route(flags: String, prefix: String = "00", interface: String = "eth0") -> String {
        "\(Self.zeros) \(prefix) \(Self.zeros) 00 \(Self.gateway) 00000400 00000000 00000000 \(flags) \(interface)\n"
    }

    @Test func aMachineWithoutARouteHasNoIPv6() {
        #expect(!Forwarding.canForwardV6(routes: "", isOn: true))
        #expect(!Forwarding.canForwardV6(routes: route(flags: "00200200", interface: "lo"), isOn: true))
        #expect(!Forwarding.canForwardV6(routes: route(flags: "00000003", prefix: "40"), isOn: true))
    }

    /// Once it passes packets on, it takes no advertisements any more and loses the route.
    @Test func aMachineThatLearnsItsRouteIsNotMadeToForget() {
        let learnt = route(flags: "00450003")
        #expect(!Forwarding.canForwardV6(routes: learnt, isOn: false))
        #expect(Forwarding.canForwardV6(routes: learnt, isOn: true))
        #expect(Forwarding.canForwardV6(routes: route(flags: "00000003"), isOn: false))
    }
}
