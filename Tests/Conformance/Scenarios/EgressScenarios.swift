import Foundation
import Invok
import Testing

/// What of the network functions may ask for, and what comes of it.
@Suite(.seeded)
struct EgressScenarios {
    /// Addresses that no function reaches.
    static let forbidden = ["10.0.0.1 80", "169.254.169.254 80", "192.168.0.1 443", "127.0.0.1 3000", "fd00::1 80"]

    @Test(arguments: WorldName.selected)
    func aFunctionWithEgressReachesNothingPrivate(_ world: WorldName) async throws {
        try await scenario("egress", on: world) { installation in
            let client = try await Client.register(on: installation)
            for (number, target) in Self.forbidden.enumerated() {
                let fixture = Fixture.connecting("reach\(number)", to: target).with { $0.egress = .publicInternet }
                let deployed = try await client.deploy(fixture)
                guard world.hasEgress else {
                    #expect(deployed.status == 501, "\(deployed.text)")
                    #expect(deployed.text.contains("asks for a network, which this server cannot give"))
                    continue
                }
                #expect(deployed.status == 200, "\(deployed.text)")
                #expect(try await client.get(client.path(fixture.name)).text == "refused")
            }
            let list = try await client.get("/invok/list").json([FunctionMessage].self)
            #expect(list.allSatisfy { $0.egress == .publicInternet })
            #expect(list.count == (world.hasEgress ? Self.forbidden.count : 0))
        }
    }

    @Test(arguments: WorldName.selected)
    func whatNoFunctionMayAskForIsRefusedAtDeploy(_ world: WorldName) async throws {
        try await scenario("refused egress", on: world) { installation in
            let client = try await Client.register(on: installation)
            let list = try Egress(list: ["api.example.com:443", "10.0.0.5:5432"])
            let refused = try await client.deploy(Fixture.hello("asking").with { $0.egress = list })
            #expect(refused.status == 403)
            #expect(refused.text.contains("INVOK_EGRESS_PRIVATE"), "\(refused.text)")
            // Without it, the same is deployed, and a version with it comes after one without.
            let deployed = try await client.deployed(.hello("asking"))
            #expect(deployed.version == 1)
            let wanted = try Egress(list: ["api.example.com:443", "*.example.org"])
            let next = try await client.deploy(Fixture.hello("asking").with { $0.egress = wanted })
            #expect(next.status == (world.hasEgress ? 200 : 501), "\(next.text)")
            let function = try await client.get(client.api("asking")).json(FunctionMessage.self)
            #expect(function.egress == (world.hasEgress ? wanted : .nothing))
        }
    }
}

extension WorldName {
    /// Whether functions get a network there: in sandboxes only root can give them one.
    fileprivate var hasEgress: Bool {
        switch self {
        case .sim: true
        case .embedded: geteuid() == 0
        case .production, .given: false
        }
    }
}
