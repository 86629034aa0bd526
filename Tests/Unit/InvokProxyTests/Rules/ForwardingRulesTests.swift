import HTTPTypes
import Invok
import Testing

@testable import InvokProxy

struct ForwardingRulesTests {
    private let rules = ForwardingRules(
        trustedProxies: ["10.0.0.0/8", "fd00::/8", "192.0.2.7"].compactMap { AddressRange($0) })

    private func request(_ fields: (String, String)...) -> HTTPRequest {
        var request = HTTPRequest(method: .get, scheme: "http", authority: "here", path: "/")
        for (name, value) in fields { request.headerFields.append(HTTPField(name: .init(name)!, value: value)) }
        return request
    }

    @Test(arguments: [
        ("203.0.113.9", "1.1.1.1", "203.0.113.9"), ("10.0.0.1", "1.1.1.1", "1.1.1.1"),
        ("10.0.0.1", "6.6.6.6, 1.1.1.1", "1.1.1.1"), ("10.0.0.1", "6.6.6.6, 1.1.1.1, 10.9.9.9", "1.1.1.1"),
        ("10.0.0.1", "6.6.6.6, nonsense, 10.9.9.9", "10.9.9.9"), ("10.0.0.1", "10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ("10.0.0.1", "", "10.0.0.1"), ("::ffff:10.0.0.1", "1.1.1.1:99", "1.1.1.1"),
        ("fd00::1", "[2001:db8::1]:99", "2001:db8::1"), ("192.0.2.7", "2001:DB8::1", "2001:db8::1"),
        ("192.0.2.8", "2001:db8::1", "192.0.2.8"), ("unknown", "1.1.1.1", "unknown"),
    ])
    func theClientIsTheRightMostThatIsNotTrusted(peer: String, given: String, client: String) {
        #expect(rules.caller(request(("X-Forwarded-For", given)), peer: peer).client == client)
        #expect(
            ForwardingRules(trustedProxies: []).caller(request(("X-Forwarded-For", given)), peer: "10.0.0.1").client
                == "10.0.0.1")
    }

    @Test func severalLinesAreOneList() {
        let lines = request(("X-Forwarded-For", "6.6.6.6, 1.1.1.1"), ("X-Forwarded-For", "10.0.0.2"))
        let caller = rules.caller(lines, peer: "10.0.0.1")
        #expect(caller.client == "1.1.1.1" && caller.chain == ["1.1.1.1", "10.0.0.2", "10.0.0.1"])
    }

    @Test func whatAClientSaysOfItselfIsSetAnew() {
        let lies = request(
            ("X-Forwarded-For", "9.9.9.9"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "bank"),
            ("X-Forwarded-Port", "1"), ("X-Forwarded-Prefix", "/bank"), ("X-Real-IP", "8.8.8.8"),
            ("Forwarded", "for=9.9.9.9"), ("Accept", "a"))
        let caller = rules.caller(lies, peer: "203.0.113.9")
        var expected: HTTPFields = [
            .accept: "a", .init("X-Forwarded-For")!: "203.0.113.9", .init("X-Real-IP")!: "203.0.113.9",
            .init("X-Forwarded-Proto")!: "http", .init("X-Forwarded-Host")!: "here",
        ]
        #expect(rules.forwarded(lies, of: caller, prefix: nil).headerFields == expected)
        expected[.init("X-Forwarded-Prefix")!] = "/invok/n/f"
        #expect(rules.forwarded(lies, of: caller, prefix: "/invok/n/f").headerFields == expected)
    }

    @Test func aTrustedProxyIsBelieved() {
        let told = request(
            ("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-Proto", "HTTPS"), ("X-Forwarded-Host", "shop.example"),
            ("X-Real-IP", "8.8.8.8"))
        let caller = rules.caller(told, peer: "10.0.0.1")
        #expect(caller.scheme == "https" && caller.host == "shop.example")
        let fields = rules.forwarded(told, of: caller, prefix: nil).headerFields
        #expect(fields[.init("X-Forwarded-For")!] == "1.1.1.1, 10.0.0.1" && fields[.init("X-Real-IP")!] == "1.1.1.1")
        let odd = request(("X-Forwarded-Proto", "gopher"), ("X-Forwarded-Host", "a@b"))
        let other = rules.caller(odd, peer: "10.0.0.1")
        #expect(other.scheme == "http" && other.host == "here")
    }

    @Test func theSchemeIsTheServersOwnUnlessATrustedProxySaysOtherwise() {
        let rules = ForwardingRules(trustedProxies: [AddressRange("10.0.0.0/8")].compactMap(\.self), scheme: "https")
        let told = request(("X-Forwarded-Proto", "http"))
        #expect(rules.caller(request(), peer: "10.0.0.1").scheme == "https")
        #expect(rules.caller(told, peer: "10.0.0.1").scheme == "http")
        #expect(rules.caller(told, peer: "203.0.113.9").scheme == "https")
    }

    @Test func limitsCountByIPv6Network() {
        let keys = ["2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1", "192.0.2.1", "192.0.2.2", "unknown"]
            .map { rules.caller(request(), peer: $0).limitKey }
        #expect(keys[0] == keys[1] && Set(keys).count == 5)
    }
}
