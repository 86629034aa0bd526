import Testing

@testable import Invok

struct EgressPolicyTests {
    static func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    private func isReachable(
        _ text: String, port: UInt16? = 443, mode: EgressRules.Mode = .public, privately: [String] = [],
        ours: [String] = []
    ) throws -> Bool {
        let rules = EgressRules(mode: mode, privateDestinations: try privately.map { try Egress.Destination($0) })
        let ours = Set(try ours.map(Self.address))
        return EgressPolicy(.publicInternet, rules: rules)
            .isReachable(try Self.address(text), port: port, ours: ours) == .allowed
    }

    /// The first and the last address of each range that is never reached.
    @Test(arguments: [
        "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
        "127.255.255.255", "168.63.129.16", "169.254.0.0", "169.254.169.254", "169.254.255.255", "172.16.0.0",
        "172.31.255.255", "192.0.0.0", "192.0.0.255", "192.0.2.1", "192.88.99.1", "192.168.0.0", "192.168.255.255",
        "198.18.0.0", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.0", "239.255.255.255", "240.0.0.0",
        "255.255.255.255", "::", "::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::8.8.8.8", "64:ff9b::808:808",
        "64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:20::1", "2001:1ff:ffff::1",
        "2001:db8::1", "2002::1", "2002:808:808::1", "3fff::1", "fc00::1", "fd00::1", "fdff:ffff::1", "fe80::1",
        "febf::1", "fec0::1", "ff02::1", "5f00::1", "4000::1",
    ])
    func neverReached(address: String) throws {
        #expect(try !isReachable(address))
        #expect(try !isReachable(address, port: nil))
    }

    /// What lies beside them.
    @Test(arguments: [
        "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
        "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0",
        "192.0.3.0", "192.88.98.1", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.101.0",
        "203.0.112.255", "223.255.255.255", "8.8.8.8", "::ffff:8.8.8.8", "2000::1", "2001:200::1", "2001:db7::1",
        "2001:db9::1", "2003::1", "2606:4700::1", "3ffe::1", "3fff:1000::1",
    ])
    func publicOnes(address: String) throws { #expect(try isReachable(address)) }

    @Test func theServersOwnAddressesAreNotReached() throws {
        #expect(try !isReachable("8.8.8.8", ours: ["8.8.8.8"]))
        #expect(try !isReachable("2606::1", ours: ["2606::1"]))
        #expect(try isReachable("8.8.4.4", ours: ["8.8.8.8"]))
    }

    @Test func whatTheOperatorListsIsReachedThereAndNowhereElse() throws {
        let listed = ["10.0.0.5/32:5432", "fd00::/64"]
        #expect(try isReachable("10.0.0.5", port: 5432, privately: listed))
        #expect(try isReachable("10.0.0.5", port: nil, privately: listed))
        #expect(try !isReachable("10.0.0.5", port: 5433, privately: listed))
        #expect(try !isReachable("10.0.0.6", port: 5432, privately: listed))
        #expect(try isReachable("fd00::7", port: 1, privately: listed))
        #expect(try !isReachable("fd00:0:0:1::7", port: 1, privately: listed))
        #expect(try isReachable("8.8.8.8", privately: ["8.8.8.8"], ours: ["8.8.8.8"]))
    }

    @Test func whereTheOperatorAllowsNoneNothingIsReached() throws {
        #expect(try !isReachable("8.8.8.8", mode: .off, privately: ["8.8.8.8"]))
    }

    // MARK: What may be asked for

    private func refusal(_ egress: Egress, _ mode: EgressRules.Mode, privately: [String] = []) throws -> InvokError? {
        EgressRules(mode: mode, privateDestinations: try privately.map { try Egress.Destination($0) })
            .refusal(of: egress)
    }

    @Test func theOperatorDecidesWhatMayBeAskedFor() throws {
        let list = try Egress(list: ["a.example"])
        for mode in EgressRules.Mode.allCases { #expect(try refusal(.nothing, mode) == nil) }
        #expect(try refusal(.publicInternet, .public) == nil)
        #expect(try refusal(list, .public) == nil)
        #expect(try refusal(list, .list) == nil)
        #expect(try refusal(.publicInternet, .list)?.nextStep?.contains("list the hosts") == true)
        #expect(try refusal(.publicInternet, .off)?.nextStep?.contains("INVOK_EGRESS") == true)
        #expect(try refusal(list, .off)?.code == .forbidden)
    }

    @Test(arguments: [
        "10.0.0.5:5432", "169.254.169.254", "172.16.4.0/24", "fd00::5", "::1", "64:ff9b::/96", "fe80::/10",
    ])
    func whatIsNeverReachedIsRefusedAtOnce(text: String) throws {
        let error = try #require(try refusal(Egress(list: ["a.example", text]), .public))
        #expect(error.message.contains(try Egress.Destination(text).description))
        #expect(error.nextStep?.contains("INVOK_EGRESS_PRIVATE") == true)
    }

    @Test func aRangeWithSomethingToReachIsNotRefused() throws {
        #expect(try refusal(Egress(list: ["8.0.0.0/6", "2000::/3"]), .public) == nil)
        #expect(try refusal(Egress(list: ["10.0.0.0/8:5432"]), .public, privately: ["10.0.0.5:5432"]) == nil)
        #expect(try refusal(Egress(list: ["10.0.0.0/8:5433"]), .public, privately: ["10.0.0.5:5432"]) != nil)
        #expect(try refusal(Egress(list: ["10.0.0.0/8"]), .public, privately: ["10.0.0.5:5432"]) == nil)
    }

    @Test func aNameHasThePortsOfAllEntriesThatMeanIt() throws {
        let policy = EgressPolicy(
            try Egress(list: ["a.example:443", "*.example:80", "b.example", "*.b.example:1"]), rules: EgressRules())
        #expect(policy.ports(of: "a.example") == .some([443, 80]))
        #expect(policy.ports(of: "b.example") == .all)
        #expect(policy.ports(of: "c.b.example") == .some([80, 1]))
        #expect(policy.ports(of: "example") == .none)
        #expect(EgressPolicy(.publicInternet, rules: EgressRules()).ports(of: "any") == .all)
        #expect(EgressPolicy(.nothing, rules: EgressRules()).ports(of: "any") == .none)
    }
}
