import InvokSim
import TestSupport
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
        try await rig.directory.refresh(key)
        let gate = Gate()
        rig.store.set("version", .held(gate))
        try await withThrowingTaskGroup(of: Route?.self) { group in
            group.addTask { try await rig.directory.refresh(key) }
            await gate.reached()
            // What the store says changes while its older answer is on its way.
            try await rig.sim.store.activate(versions[0].key, expectedActive: 2, at: rig.sim.clock.wallTime())
            try await rig.sim.store.setAccess(.public, of: key, at: rig.sim.clock.wallTime())
            rig.store.set("version", nil)
            try await rig.directory.refresh(key)
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
            rig.store.set("version", nil)
            try await rig.directory.refresh(key)
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
            try await rig.directory.refresh(changed)
            try await rig.sim.store.deleteFunction(deleted)
            try await rig.directory.refresh(deleted)
            gate.open()
            try await group.next()
        }
        #expect(rig.directory.rememberedCount == 1)
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
        func activate(_ number: Int, instead of: Int) async throws {
            try await rig.sim.store.activate(
                VersionKey(function: key, number: number), expectedActive: of, at: rig.sim.clock.wallTime())
            try await rig.directory.refresh(key)
        }
        try await activate(1, instead: 2)
        #expect(rig.dispatcher.isOpen(versions[0].key))
        try await activate(2, instead: 1)
        #expect(!rig.dispatcher.isOpen(versions[0].key))
        #expect(rig.dispatcher.isOpen(versions[1].key))
        try await rig.sim.store.deleteFunction(key)
        try await rig.directory.refresh(key)
        #expect(!rig.dispatcher.isOpen(versions[1].key))
        #expect(rig.directory.rememberedCount == 0)
    }

    /// A version that is being tried goes on when the access changes meanwhile.
    @Test func anotherAccessRetiresNothing() async throws {
        let rig = Rig()
        let (key, versions) = try await function(rig, versions: 2)
        try await rig.directory.refresh(key)
        rig.dispatcher.open(versions[0])
        try await rig.sim.store.setAccess(.public, of: key, at: rig.sim.clock.wallTime())
        try await rig.directory.refresh(key)
        #expect(rig.directory.known(key)?.access == .public)
        #expect(rig.dispatcher.isOpen(versions[0].key))
        #expect(rig.dispatcher.isOpen(versions[1].key))
    }

    /// A change that could not be read at once is read as soon as the store answers.
    @Test func aChangeIsReadAsSoonAsTheStoreAnswers() async throws {
        let rig = Rig()
        let (key, _) = try await function(rig, versions: 1)
        try await rig.directory.refresh(key)
        try await rig.sim.store.setAccess(.public, of: key, at: rig.sim.clock.wallTime())
        rig.store.isAway = true
        rig.directory.renew(key)
        #expect(rig.directory.known(key)?.access == .private)
        let run = Task { await rig.directory.run() }
        await rig.sim.clock.waitForSleepers()
        rig.store.isAway = false
        rig.sim.clock.advance(by: Directory.retryInterval)
        try await rig.eventually { rig.directory.known(key)?.access == .public }
        run.cancel()
        await run.value
    }

    /// A change that is in the store is answered by, though the store cannot be read any more, also when something else got
    /// in meanwhile; what the store says counts as soon as it does.
    @Test func whatAChangeMadeGoesInWhileTheStoreIsAway() async throws {
        let rig = Rig()
        let (key, versions) = try await function(rig, versions: 2)
        try await rig.directory.refresh(key)
        let stored = try #require(rig.directory.known(key))
        let other = try #require(versions.first { $0.key != stored.version.key })
        rig.store.isAway = true
        await rig.directory.follow(key) { _ in Route(access: .public, version: other) }
        #expect(rig.directory.known(key) == Route(access: .public, version: other))
        await rig.directory.follow(key) { known in known.map { Route(access: .private, version: $0.version) } }
        #expect(rig.directory.known(key) == Route(access: .private, version: other))
        let run = Task { await rig.directory.run() }
        await rig.sim.clock.waitForSleepers()
        rig.store.isAway = false
        rig.sim.clock.advance(by: Directory.retryInterval)
        try await rig.eventually { rig.directory.known(key) == stored }
        run.cancel()
        await run.value
    }

    /// However many ask for whatever names, the store is asked once a second, and what is there is found.
    @Test func whatNobodyKnowsIsSearchedOnceASecond() async throws {
        let rig = Rig()
        let (key, _) = try await function(rig, versions: 1)
        let run = Task { await rig.directory.run() }
        for number in 0..<100 {
            rig.directory.search(FunctionKey(namespace: key.namespace, name: try FunctionName("guess\(number)")))
        }
        try await rig.eventually { rig.sim.effects.counts["store.function"] == 1 }
        rig.sim.clock.advance(by: Directory.searchInterval)
        rig.directory.search(key)
        try await rig.eventually { rig.directory.known(key) != nil }
        #expect(rig.sim.effects.counts["store.function"] == 2)
        #expect(rig.directory.rememberedCount == 1)
        run.cancel()
        await run.value
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
