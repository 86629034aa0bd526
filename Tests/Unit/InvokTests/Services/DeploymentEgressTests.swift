import InvokSim
import TestSupport
import Testing

@testable import Invok

/// What becomes of a deploy that asks for a network.
@Suite(.timeLimit(.minutes(1)))
struct DeploymentEgressTests {
    @Test func aVersionHasWhatItAskedFor() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            let first = try await rig.deploy("hello one", egress: #"["a.example:443"]"#, as: owner).version
            let wanted = try Egress(list: ["a.example:443"])
            #expect(first.settings.egress == wanted)
            // New settings of the same code keep it, and a rollback brings it back.
            let update = FunctionUpdate(limits: .making(memoryMB: 64))
            let second = try await rig.deployments.update(rig.key(owner), update, as: owner).version
            #expect(second.settings.egress == first.settings.egress)
            let third = try await rig.deploy("hello three", as: owner).version
            #expect(third.settings.egress == nil)
            let back = try await rig.deployments.rollback(rig.key(owner), to: 1, as: owner).version
            #expect(back.settings.egress == first.settings.egress)
        }
    }

    @Test(arguments: [
        (EgressRules.Mode.off, "true"), (.off, #"["a.example"]"#), (.list, "true"), (.public, #"["10.0.0.5"]"#),
    ])
    func whatTheOperatorDoesNotAllowIsNotBuilt(mode: EgressRules.Mode, egress: String) async throws {
        let rig = Rig { $1.egress = EgressRules(mode: mode) }
        let owner = try await rig.user()
        try await rig.running {
            let refusal = await code { try await rig.deploy("hello one", egress: egress, as: owner) }
            #expect(refusal == .forbidden)
            #expect(try await rig.versions(owner).isEmpty)
            let bundles = try await rig.sim.builder.bundles()
            #expect(bundles.isEmpty)
        }
    }

    @Test func whatTheMachineCannotDoIsSaidBeforeAnythingIsBuilt() async throws {
        let rig = Rig()
        rig.sim.engine.refuseEgress("nftables is not installed")
        let owner = try await rig.user()
        try await rig.running {
            let refusal = await code { try await rig.deploy("hello one", egress: "true", as: owner) }
            #expect(refusal == .notImplemented)
            let why = await message { try await rig.deploy("hello one", egress: "true", as: owner) }
            #expect(why?.contains("nftables is not installed") == true)
            let bundles = try await rig.sim.builder.bundles()
            #expect(bundles.isEmpty)
            // Whoever asks for none is not concerned.
            try await rig.deploy("hello one", as: owner)
        }
    }

    /// The operator has changed its mind: what was allowed once starts no more.
    @Test func aVersionFromBeforeStartsNoMore() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running { try await rig.deploy("hello one", egress: "true", as: owner) }
        for instance in rig.sim.engine.running { await rig.sim.engine.crash(instance.id, isTold: false) }
        let later = Rig(on: rig.sim) { $1.egress = EgressRules(mode: .off) }
        try await later.system.recover()
        try await later.running {
            // It waits for an instance until it may wait no longer.
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    while !Task.isCancelled {
                        later.sim.clock.advance(by: .milliseconds(100))
                        await Task.yield()
                    }
                }
                _ = try? await later.invoke(later.key(owner), token: later.token(owner))
                group.cancelAll()
                try await group.waitForAll()
            }
            #expect(later.sim.engine.running.isEmpty)
        }
    }
}
