import InvokSim
import TestSupport
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct FunctionsTests {
    @Test func aNamespaceListsItsOwnFunctions() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        let other = try await rig.user("other")
        try await rig.running {
            try await rig.deploy("hello", as: owner)
            #expect(try await rig.functions.list(nil, as: owner).map(\.function.key) == [rig.key(owner)])
            #expect(try await rig.functions.list(nil, as: other).isEmpty)
            #expect(await code { try await rig.functions.list(owner.namespace, as: other) } == .notFound)
            #expect(await code { try await rig.functions.function(rig.key(owner), as: other) } == .notFound)
            #expect(await code { try await rig.functions.function(rig.key(other), as: other) } == .notFound)
        }
    }

    @Test func versionsSayWhichAnswers() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            let key = try rig.key(owner)
            try await rig.deploy("hello", as: owner)
            _ = try? await rig.deploy("build-error", as: owner)
            let versions = try await rig.functions.versions(of: key, as: owner)
            #expect(versions.map(\.version.key.number) == [2, 1])
            #expect(versions.map(\.isActive) == [false, true])
            let status = try await rig.functions.status(as: owner)
            #expect(status.map(\.version) == [1])
            #expect(status.map(\.instances) == [1])
        }
    }

    @Test(arguments: [nil, FaultyStore.Fault.applied])
    func whatIsDeletedIsGone(fault: FaultyStore.Fault?) async throws {
        let rig = Rig()
        let owner = try await rig.user()
        let viewer = try await rig.user("viewer")
        try await rig.sim.store.putGrant(Grant(namespace: owner.namespace, user: viewer.user.id, role: .viewer))
        try await rig.running {
            let key = try rig.key(owner)
            try await rig.deploy("hello", as: owner)
            #expect(await code { try await rig.functions.delete(key, as: viewer) } == .forbidden)
            rig.store.set("deleteFunction", fault)
            try await rig.functions.delete(key, as: owner)
            rig.store.set("deleteFunction", nil)
            #expect(await code { try await rig.invoke(key, token: rig.token(owner)) } == .notFound)
            #expect(await code { try await rig.functions.delete(key, as: owner) } == .notFound)
            try await rig.eventually { rig.sim.engine.running.isEmpty }
            // A later function of the name is another one.
            #expect(try await rig.deploy("hello", as: owner).version.key.number == 2)
        }
    }

    @Test func whatIsNotDeletedGoesOn() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            let key = try rig.key(owner)
            try await rig.deploy("hello", as: owner)
            rig.store.set("deleteFunction", .refused)
            #expect(await code { try await rig.functions.delete(key, as: owner) } == .unavailable)
            #expect(try await rig.invoke(key, token: rig.token(owner)).text == "hello")
        }
    }
}
