import InvokSim
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct DirectoryTests {
    /// A function with this many versions, all built, the last one active.
    private func function(
        _ rig: Rig, of owner: String = "owner", versions: Int
    ) async throws -> (FunctionKey, [Version]) {
        let owner = try await rig.user(owner)
        let key = try rig.key(owner)
        for number in 1...versions {
            let bundle = BundleID(Digest(of: "\(number)".utf8))
            let settings = VersionSettings(runtime: .python, environment: .empty, limits: .standard)
            let draft = VersionDraft(
                function: key, artifact: bundle.digest, settings: settings, createdBy: owner.user.id,
                createdAt: rig.sim.clock.wallTime())
            let begun = try await rig.sim.store.beginVersion(draft, access: .private)
            try await rig.sim.store.activateBuilt(
                begun.key, bundle: bundle, buildLog: "", expectedActive: number == 1 ? nil : number - 1, access: nil,
                at: rig.sim.clock.wallTime())
        }
        return (key, try await rig.sim.store.versions(of: key).reversed())
    }

    @Test func aRouteIsReadOnceAndThenKnown() async throws {
        let rig = Rig()
        let (key, versions) = try await function(rig, versions: 2)
        #expect(rig.directory.known(key) == nil)
        #expect(try await rig.directory.route(key)?.version == versions[1])
        rig.store.isAway = true
        #expect(try await rig.directory.route(key)?.version == versions[1])
        #expect(rig.directory.keys == [key])
    }

    @Test func anOlderReadingNeverOverwritesANewerChange() async throws {
        let rig = Rig()
        let (key, versions) = try await function(rig, versions: 2)
        let newer = Route(access: .public, version: versions[0])
        rig.directory.set(key, Route(access: .private, version: versions[1]))
        let gate = Gate()
        rig.store.set("version", .held(gate))
        try await withThrowingTaskGroup(of: Route?.self) { group in
            group.addTask { try await rig.directory.refresh(key) }
            await gate.reached()
            // What the store says changes while its older answer is on its way.
            try await rig.sim.store.activate(versions[0].key, expectedActive: 2, at: rig.sim.clock.wallTime())
            try await rig.sim.store.setAccess(.public, of: key, at: rig.sim.clock.wallTime())
            rig.directory.set(key, newer)
            rig.store.set("version", nil)
            gate.open()
            #expect(try await group.next() == newer)
        }
        #expect(rig.directory.known(key) == newer)
    }

    @Test func aReadingFromBeforeADeleteDoesNotBringItBack() async throws {
        let rig = Rig()
        let (key, _) = try await function(rig, versions: 1)
        let gate = Gate()
        rig.store.set("version", .held(gate))
        try await withThrowingTaskGroup(of: Route?.self) { group in
            group.addTask { try await rig.directory.refresh(key) }
            await gate.reached()
            try await rig.sim.store.deleteFunction(key)
            rig.directory.set(key, nil)
            rig.store.set("version", nil)
            gate.open()
            #expect(try await group.next() == .some(nil))
        }
        #expect(rig.directory.known(key) == nil)
    }

    /// However many there are, the store is asked once.
    @Test func allAreReadByOneCall() async throws {
        let rig = Rig()
        var keys: [FunctionKey] = []
        for owner in ["a", "b", "c"] { keys.append(try await function(rig, of: owner, versions: 1).0) }
        for call in ["function", "version"] { rig.store.set(call, .refused) }
        try await rig.directory.refreshAll()
        #expect(rig.directory.keys == keys.sorted())
        try await rig.sim.store.deleteFunction(keys[0])
        try await rig.sim.store.setAccess(.public, of: keys[1], at: rig.sim.clock.wallTime())
        try await rig.directory.refreshAll()
        #expect(rig.directory.keys == keys.dropFirst().sorted())
        #expect(rig.directory.known(keys[1])?.access == .public)
        #expect(rig.directory.known(keys[2])?.access == .private)
    }

    @Test func aListFromBeforeAChangeDoesNotUndoIt() async throws {
        let rig = Rig()
        let (changed, versions) = try await function(rig, versions: 2)
        let (deleted, _) = try await function(rig, of: "another", versions: 1)
        try await rig.directory.refreshAll()
        let gate = Gate()
        rig.store.set("activeFunctions", .held(gate))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await rig.directory.refreshAll() }
            await gate.reached()
            try await rig.sim.store.activate(versions[0].key, expectedActive: 2, at: rig.sim.clock.wallTime())
            rig.directory.set(changed, Route(access: .private, version: versions[0]))
            try await rig.sim.store.deleteFunction(deleted)
            rig.directory.set(deleted, nil)
            gate.open()
            try await group.next()
        }
        #expect(rig.directory.known(changed)?.version.key == versions[0].key)
        #expect(rig.directory.known(deleted) == nil)
    }

    @Test func whatNeverExistedIsNotRemembered() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        for number in 0..<100 {
            let key = FunctionKey(namespace: owner.namespace, name: try FunctionName("guess\(number)"))
            #expect(try await rig.directory.route(key) == nil)
        }
        #expect(rig.directory.rememberedCount == 0)
    }

    @Test func theDispatcherFollows() async throws {
        let rig = Rig()
        let (key, versions) = try await function(rig, versions: 2)
        rig.directory.set(key, Route(access: .private, version: versions[0]))
        #expect(rig.dispatcher.isOpen(versions[0].key))
        rig.directory.set(key, Route(access: .private, version: versions[1]))
        #expect(!rig.dispatcher.isOpen(versions[0].key))
        #expect(rig.dispatcher.isOpen(versions[1].key))
        rig.directory.set(key, nil)
        #expect(!rig.dispatcher.isOpen(versions[1].key))
    }

    /// Whatever retired the active version, the next look at the store opens it again.
    @Test func whatIsActiveIsOpenedAgainAlsoWhenItIsNotNew() async throws {
        let rig = Rig()
        let (key, versions) = try await function(rig, versions: 1)
        try await rig.directory.refresh(key)
        rig.dispatcher.retire(versions[0].key)
        #expect(!rig.dispatcher.isOpen(versions[0].key))
        try await rig.directory.refresh(key)
        #expect(rig.dispatcher.isOpen(versions[0].key))
    }

    @Test func theStoreAwayIsSaidForWhatIsNotKnown() async throws {
        let rig = Rig()
        let (key, _) = try await function(rig, versions: 1)
        rig.store.isAway = true
        await #expect(throws: StoreError.self) { try await rig.directory.route(key) }
    }
}
