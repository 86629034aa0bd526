import HTTPTypes
import Invok
import InvokProxy
import Testing

@testable import InvokAPI

struct ServerConfigurationTests {
    @Test(arguments: [
        ("203.0.113.9", "", "203.0.113.9/32"), ("2001:db8:1:2:3::4", "", "2001:db8:1:2:0:0:0:0/64"),
        ("::ffff:203.0.113.9", "", "203.0.113.9/32"), ("unknown", "", "unknown"),
        // Behind a trusted proxy by its own address.
        ("10.0.0.1", "6.6.6.6, 1.1.1.1", "1.1.1.1/32"), ("fd00::1", "2001:db8::9", "2001:db8:0:0:0:0:0:0/64"),
        // What stands for many.
        ("10.0.0.1", "", nil), ("172.17.0.1", "1.1.1.1", nil),
    ])
    func strangersAreToldApartByTheirAddresses(peer: String, chain: String, key: String?) {
        let trusted = ["10.0.0.0/8", "fd00::/8"].compactMap { AddressRange($0) }
        let configuration = ServerConfiguration(
            trustedProxies: trusted, sharedAddresses: [AddressRange("172.17.0.1")].compactMap(\.self))
        var request = HTTPRequest(method: .get, scheme: "http", authority: "here", path: "/")
        request.headerFields[HTTPField.Name("X-Forwarded-For")!] = chain
        let caller = ForwardingRules(trustedProxies: trusted).caller(request, peer: peer)
        #expect(configuration.strangerKey(of: caller) == key)
    }
}
