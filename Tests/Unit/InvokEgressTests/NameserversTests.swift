import Invok
import Testing

@testable import InvokEgress

struct NameserversTests {
    @Test func theFirstThreeAreAsked() {
        let text = """
            # made by hand
            search example.com
            nameserver 192.0.2.1
            nameserver\t2606:4700::53
            nameserver nonsense
            nameserver 192.0.2.3
            options ndots:5
            """
        #expect(Nameservers.parse(text).map(\.description) == ["192.0.2.1", "2606:4700::53"])
        #expect(Nameservers.parse("").isEmpty)
        #expect(Nameservers.parse("nameserver\nnameserver fe80::1%eth0").map(\.description) == ["fe80::1"])
    }
}
