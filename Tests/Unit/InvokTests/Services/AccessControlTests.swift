import InvokSim
import Testing

@testable import Invok

struct AccessControlTests {
    private static let rights: [AccessControl.Right] = [.read, .invoke, .change]

    private func verdict(_ role: Role, _ right: AccessControl.Right) -> InvokError.Code? {
        role == .viewer && right == .change ? .forbidden : nil
    }

    @Test(arguments: Role.allCases) func aRoleInOnesOwnNamespace(role: Role) async throws {
        let rig = Rig()
        _ = try await rig.user("first")
        let user = try await rig.user("own", role: role)
        for right in Self.rights {
            #expect(
                await code { try await rig.access.require(right, in: user.namespace, of: user) } == verdict(role, right)
            )
        }
        #expect(rig.sim.effects.counts["store.grant"] == nil, "the warm path asks the store")
    }

    @Test(arguments: Role.allCases) func aGrantedRoleCountsThereWhateverTheUsersOwn(role: Role) async throws {
        let rig = Rig()
        let owner = try await rig.user()
        let guest = try await rig.user("guest", role: .viewer)
        try await rig.sim.store.putGrant(Grant(namespace: owner.namespace, user: guest.user.id, role: role))
        for right in Self.rights {
            #expect(
                await code { try await rig.access.require(right, in: owner.namespace, of: guest) }
                    == verdict(role, right))
        }
        try await rig.sim.store.removeGrant(namespace: owner.namespace, user: guest.user.id)
        #expect(await code { try await rig.access.require(.read, in: owner.namespace, of: guest) } == .notFound)
    }

    @Test(arguments: Role.allCases) func forAStrangerNothingIsThere(role: Role) async throws {
        let rig = Rig()
        let owner = try await rig.user()
        let stranger = try await rig.user("stranger", role: role)
        for right in Self.rights {
            #expect(await code { try await rig.access.require(right, in: owner.namespace, of: stranger) } == .notFound)
        }
    }

    @Test func withTheStoreAwayOnlyOnesOwnNamespaceIsSure() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        let other = try await rig.user("other")
        rig.store.isAway = true
        try await rig.access.require(.change, in: owner.namespace, of: owner)
        #expect(await code { try await rig.access.require(.read, in: owner.namespace, of: other) } == .unavailable)
    }
}
