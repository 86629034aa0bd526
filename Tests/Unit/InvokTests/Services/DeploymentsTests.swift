import InvokSim
import TestSupport
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct DeploymentsTests {
    /// Nothing of a deploy that failed is left, and the first version answers.
    private func expectOnlyTheFirst(_ rig: Rig, _ owner: Principal, failed: Int = 1) async throws {
        let key = try rig.key(owner)
        let versions = try await rig.versions(owner)
        #expect(try await rig.sim.store.function(key)?.activeVersion == 1)
        #expect(rig.directory.known(key)?.version.key.number == 1)
        #expect(versions.count == 1 + failed)
        for version in versions where version.key.number > 1 {
            guard case .failed(let reason) = version.state else {
                Issue.record("version \(version.key.number) is \(version.state)")
                continue
            }
            #expect(!reason.isEmpty)
        }
        try await rig.eventually { rig.sim.engine.running.allSatisfy { $0.version.number == 1 } }
        #expect(try await rig.invoke(key, token: rig.token(owner)).text == "one")
        #expect(try await !rig.sim.cache.isLeased("deploy:\(key)"))
        // And the next deploy goes through.
        rig.sim.clock.advance(by: .seconds(60))
        try await rig.deploy("hello next", as: owner)
        #expect(try await rig.invoke(key, token: rig.token(owner)).text == "next")
    }

    /// The same archive is built for each tenant: an instant build would tell of somebody else's.
    @Test func nobodyLearnsThatAnotherTenantHasTheSameArchive() async throws {
        let rig = Rig()
        let (ann, bob) = (try await rig.user("ann"), try await rig.user("bob"))
        try await rig.running {
            let first = try await rig.deploy("hello one", as: ann).version
            let other = try await rig.deploy("hello one", as: bob).version
            #expect(first.artifact == other.artifact && first.bundle != other.bundle)
            #expect(try await rig.deploy("hello one", as: ann).version.bundle == first.bundle)
            #expect(try await rig.sim.builder.bundles().count == 2)
        }
    }

    @Test func aDeployAnswers() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            let deployment = try await rig.deploy("hello one", as: owner)
            #expect(deployment.version.key.number == 1)
            #expect(deployment.access == .private)
            #expect(try await rig.invoke(rig.key(owner), token: rig.token(owner)).text == "one")
            #expect(try await rig.deploy("hello two", access: "public", as: owner).access == .public)
            #expect(try await rig.invoke(rig.key(owner)).text == "two")
            // What is not said stays as it is.
            #expect(try await rig.deploy("hello three", as: owner).access == .public)
            try await rig.eventually { rig.sim.engine.running.allSatisfy { $0.version.number == 3 } }
        }
    }

    @Test(arguments: [
        ("build-error no", InvokError.Code.buildFailed), ("crash", .startFailed),
    ])
    func whatDoesNotBuildOrStartLeavesTheOldOne(directive: String, expected: InvokError.Code) async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            try await rig.deploy("hello one", as: owner)
            let error = await #expect(throws: InvokError.self) { try await rig.deploy(directive, as: owner) }
            #expect(error?.code == expected)
            #expect(error?.buildLog?.isEmpty == false)
            try await expectOnlyTheFirst(rig, owner)
        }
    }

    @Test func whatNeverBecomesReadyLeavesTheOldOne() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            try await rig.deploy("hello one", as: owner)
            let deploy = Task { await code { try await rig.deploy("never-ready", as: owner) } }
            try await rig.eventually { rig.sim.engine.running.contains { $0.version.number == 2 } }
            try await rig.eventually {
                rig.sim.clock.advance(by: .milliseconds(100))
                return !rig.sim.engine.running.contains { $0.version.number == 2 }
            }
            #expect(await deploy.value == .startFailed)
            try await expectOnlyTheFirst(rig, owner)
        }
    }

    @Test(arguments: [FaultyStore.Fault.refused, .conflict])
    func whatCannotBeActivatedLeavesTheOldOne(fault: FaultyStore.Fault) async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            try await rig.deploy("hello one", as: owner)
            rig.store.set("activateBuilt", fault)
            let code = await code { try await rig.deploy("hello two", as: owner) }
            #expect([.unavailable, .conflict].contains(code))
            rig.store.set("activateBuilt", nil)
            try await expectOnlyTheFirst(rig, owner)
        }
    }

    @Test func whatCannotBeBegunLeavesNothing() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            try await rig.deploy("hello one", as: owner)
            rig.store.set("beginVersion", .refused)
            #expect(await code { try await rig.deploy("hello two", as: owner) } == .unavailable)
            rig.store.set("beginVersion", nil)
            try await expectOnlyTheFirst(rig, owner, failed: 0)
        }
    }

    @Test func aFullDiskIsSaid() async throws {
        let rig = Rig { world, _ in world.artifacts = SimArtifactStore(capacityBytes: 10) }
        let owner = try await rig.user()
        #expect(await code { try await rig.deploy("hello", as: owner) } == .storageFull)
        #expect(try await rig.versions(owner).map(\.state) == [.failed(reason: "the server's disk is full")])
    }

    /// A store that reports a failure may have done what it was asked.
    @Test func anActivationThatWasAppliedCounts() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            try await rig.deploy("hello one", as: owner)
            rig.store.set("activateBuilt", .applied)
            try await rig.deploy("hello two", as: owner)
            #expect(try await rig.invoke(rig.key(owner), token: rig.token(owner)).text == "two")
            rig.store.set("activate", .applied)
            #expect(try await rig.deployments.rollback(rig.key(owner), to: nil, as: owner).version.key.number == 1)
            #expect(try await rig.invoke(rig.key(owner), token: rig.token(owner)).text == "one")
        }
    }

    @Test(arguments: [("hello", "two.zip", InvokError.Code.invalidConfig), ("hello", "hello.tar", .invalidArchive)])
    func theFileNameMustFit(directive: String, fileName: String, expected: InvokError.Code) async throws {
        let rig = Rig()
        let owner = try await rig.user()
        let archive = Rig.archive([directive])
        #expect(
            await code {
                try await rig.deployments.deploy(
                    archive: archive, fileName: fileName, namespace: nil, access: nil, as: owner)
            } == expected)
    }

    @Test func tooMuchIsRefused() async throws {
        let rig = Rig { $1.archiveLimits.archiveBytes = 100 }
        let owner = try await rig.user()
        #expect(await code { try await rig.deploy("hello", as: owner) } == .payloadTooLarge)
    }

    @Test func onlyWhoMayChangeDeploys() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        let guest = try await rig.user("guest")
        let key = try rig.key(owner)
        #expect(await code { try await rig.deploy("hello", as: guest, in: owner.namespace) } == .notFound)
        try await rig.sim.store.putGrant(Grant(namespace: owner.namespace, user: guest.user.id, role: .viewer))
        #expect(await code { try await rig.deploy("hello", as: guest, in: owner.namespace) } == .forbidden)
        #expect(await code { try await rig.deployments.rollback(key, to: 1, as: guest) } == .forbidden)
        #expect(await code { try await rig.deployments.update(key, FunctionUpdate(), as: guest) } == .forbidden)
    }

    // MARK: A client that goes away

    @Test func aDeployWhoseClientLeavesDuringTheBuildIsFailed() async throws {
        let sim = SimWorld(seed: 1)
        let rig = Rig(on: sim)
        let owner = try await rig.user()
        try await rig.running {
            try await rig.deploy("hello one", as: owner)
            let builder = HeldBuilder(sim.builder)
            let slow = Rig(on: sim) { world, _ in world.builder = builder }
            let deploy = Task { await code { try await slow.deploy("hello two", as: owner) } }
            await builder.gate.reached()
            deploy.cancel()
            #expect(await deploy.value == .unavailable)
            try await expectOnlyTheFirst(rig, owner)
        }
    }

    @Test func aDeployWhoseClientLeavesDuringTheStartIsFailed() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            try await rig.deploy("hello one", as: owner)
            let deploy = Task { await code { try await rig.deploy("never-ready", as: owner) } }
            try await rig.eventually { rig.sim.engine.running.contains { $0.version.number == 2 } }
            deploy.cancel()
            #expect(await deploy.value == .unavailable)
            rig.sim.clock.advance(by: .seconds(Limits.standard.startSeconds))
            try await rig.eventually {
                rig.sim.clock.advance(by: .seconds(1))
                return rig.sim.engine.running.allSatisfy { $0.version.number == 1 }
            }
            try await expectOnlyTheFirst(rig, owner)
        }
    }

    @Test func aDeployWhoseClientLeavesDuringTheActivationIsWhole() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            try await rig.deploy("hello one", as: owner)
            let gate = Gate()
            rig.store.set("activateBuilt", .held(gate))
            let deploy = Task { try await rig.deploy("hello two", as: owner) }
            await gate.reached()
            deploy.cancel()
            gate.open()
            let deployment = try await deploy.value
            #expect(deployment.version.key.number == 2)
            #expect(try await rig.invoke(rig.key(owner), token: rig.token(owner)).text == "two")
            #expect(try await !rig.sim.cache.isLeased("deploy:\(rig.key(owner))"))
        }
    }

    // MARK: Side by side

    @Test func ofTwoDeploysAtOnceTheSecondIsTold() async throws {
        let sim = SimWorld(seed: 1)
        let builder = HeldBuilder(sim.builder)
        let rig = Rig(on: sim) { world, _ in world.builder = builder }
        let owner = try await rig.user()
        try await rig.running {
            let first = Task { try await rig.deploy("hello one", as: owner) }
            await builder.gate.reached()
            #expect(await code { try await rig.deploy("hello two", as: owner) } == .deployInProgress)
            builder.gate.open()
            let deployment = try await first.value
            #expect(deployment.version.key.number == 1)
        }
    }

    @Test func withoutTheCacheTheStoreKeepsThemApart() async throws {
        let sim = SimWorld(seed: 1)
        let builder = HeldBuilder(sim.builder)
        let rig = Rig(on: sim) { world, _ in
            world.builder = builder
            world.cache = AbsentCache()
        }
        let owner = try await rig.user()
        try await rig.running {
            let codes = [
                Task { await code { try await rig.deploy("hello one", as: owner) } },
                Task { await code { try await rig.deploy("hello two", as: owner) } },
            ]
            await builder.gate.reached()
            await builder.gate.reached()
            builder.gate.open()
            var outcomes: [InvokError.Code?] = []
            for code in codes { outcomes.append(await code.value) }
            #expect(outcomes.count { $0 == nil } == 1)
            #expect(outcomes.contains(.conflict))
            let ready = try await rig.versions(owner).filter { $0.bundle != nil }
            #expect(ready.count == 1)
        }
    }

    @Test func onlySoManyBuildsRunAndTheRestIsTurnedAway() async throws {
        let sim = SimWorld(seed: 1)
        let builder = HeldBuilder(sim.builder)
        let rig = Rig(on: sim) { world, settings in
            world.builder = builder
            settings.concurrentBuilds = 2
            settings.deployQueueLimit = 1
        }
        var owners: [Principal] = []
        for number in 0..<6 { owners.append(try await rig.user("owner\(number)")) }
        let everyone = owners
        try await rig.running {
            let deploys = everyone.map { owner in Task { await code { try await rig.deploy("hello", as: owner) } } }
            await builder.gate.reached()
            await builder.gate.reached()
            try await rig.eventually { try await sim.store.unfinishedVersions().count == 3 }
            builder.gate.open()
            var outcomes: [InvokError.Code?] = []
            for deploy in deploys { outcomes.append(await deploy.value) }
            #expect(outcomes.count { $0 == .noCapacity } >= 1)
            #expect(outcomes.count { $0 == nil } >= 2)
            #expect(outcomes.allSatisfy { $0 == nil || $0 == .noCapacity })
            #expect(builder.mostAtOnce == 2)
            #expect(try await sim.store.unfinishedVersions().isEmpty)
        }
    }

    @Test func aNewVersionStartsWhileTheOldOneIsAtItsLimit() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        let limits = #"{"maxInstances":1,"concurrency":1}"#
        try await rig.running {
            try await rig.deploy("hang", limits: limits, as: owner)
            let key = try rig.key(owner)
            let busy = Task { try await rig.invoke(key, token: rig.token(owner)) }
            try await rig.eventually { rig.dispatcher.load(of: key).requests == 1 }
            try await rig.deploy("hello two", limits: limits, as: owner)
            #expect(try await rig.invoke(key, token: rig.token(owner)).text == "two")
            busy.cancel()
            _ = await busy.result
        }
    }

    // MARK: Rollback

    @Test func rollbackGoesToWhatWasReady() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            let key = try rig.key(owner)
            try await rig.deploy("hello one", as: owner)
            #expect(await code { try await rig.deployments.rollback(key, to: nil, as: owner) } == .conflict)
            #expect(await code { try await rig.deploy("build-error", as: owner) } == .buildFailed)
            try await rig.deploy("hello three", as: owner)
            for (number, expected) in [(2, InvokError.Code.conflict), (3, .conflict), (4, .notFound), (0, .notFound)] {
                #expect(await code { try await rig.deployments.rollback(key, to: number, as: owner) } == expected)
            }
            // The failed one between is passed over.
            #expect(try await rig.deployments.rollback(key, to: nil, as: owner).version.key.number == 1)
            #expect(try await rig.invoke(key, token: rig.token(owner)).text == "one")
            #expect(try await rig.deployments.rollback(key, to: 3, as: owner).version.key.number == 3)
            #expect(try await rig.invoke(key, token: rig.token(owner)).text == "three")
        }
    }

    @Test func aRollbackThatFailsLeavesWhatIs() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            let key = try rig.key(owner)
            try await rig.deploy("hello one", as: owner)
            try await rig.deploy("hello two", as: owner)
            rig.store.set("activate", .refused)
            #expect(await code { try await rig.deployments.rollback(key, to: 1, as: owner) } == .unavailable)
            #expect(try await rig.invoke(key, token: rig.token(owner)).text == "two")
            try await rig.eventually { rig.sim.engine.running.allSatisfy { $0.version.number == 2 } }
        }
    }

    // MARK: Update

    @Test func anUpdateOfAccessMakesNoVersion() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            let key = try rig.key(owner)
            #expect(await code { try await rig.deployments.update(key, FunctionUpdate(), as: owner) } == .notFound)
            try await rig.deploy("env COLOUR", as: owner)
            let opened = try await rig.deployments.update(key, FunctionUpdate(access: .public), as: owner)
            #expect(opened.access == .public)
            #expect(opened.version.key.number == 1)
            _ = try await rig.invoke(key)
            let changed = try await rig.deployments.update(key, FunctionUpdate(env: ["COLOUR": "red"]), as: owner)
            #expect(changed.version.key.number == 2)
            #expect(changed.access == .public)
            #expect(try await rig.invoke(key).text == "red")
            let limited = try await rig.deployments.update(
                key, FunctionUpdate(limits: .making(timeoutSeconds: 7)), as: owner)
            #expect(limited.version.settings.limits.timeoutSeconds == 7)
            #expect(limited.version.settings.environment.variables == ["COLOUR": "red"])
            #expect(
                await code { try await rig.deployments.update(key, FunctionUpdate(env: ["1": ""]), as: owner) }
                    == .invalidConfig)
        }
    }
}
