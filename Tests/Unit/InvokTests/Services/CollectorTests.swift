import InvokSim
import TestSupport
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct CollectorTests {
    /// What is kept of all functions.
    private struct Kept: Equatable {
        var archives = 0
        var bundles = 0
        var logs = 0
    }

    private func kept(_ sim: SimWorld) async throws -> Kept {
        Kept(
            archives: try await sim.artifacts.list().count, bundles: try await sim.builder.bundles().count,
            logs: try await sim.logs.functions().count)
    }

    /// So many looks, one after the other.
    private func look(_ rig: Rig, times: Int = 2) async throws {
        var suspects: Set<Pins.Item> = []
        for _ in 0..<times { _ = try await rig.collector.collect(&suspects) }
    }

    @Test func whatADeletedFunctionHeldGoes() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        let key = try rig.key(owner)
        try await rig.running {
            try await rig.deploy("hello one", as: owner)
            try await rig.deploy("hello two", as: owner)
            try await look(rig)
            #expect(try await kept(rig.sim) == Kept(archives: 2, bundles: 2, logs: 1))
            try await rig.functions.delete(key, as: owner)
            try await rig.eventually { rig.sim.engine.running.isEmpty && rig.dispatcher.bundles.isEmpty }
            try await look(rig)
            #expect(try await kept(rig.sim) == Kept())
        }
    }

    @Test func whatWithoutANameIsSeenOnceStays() async throws {
        let rig = Rig()
        _ = try await rig.sim.artifacts.put([1])
        try await look(rig, times: 1)
        #expect(try await kept(rig.sim).archives == 1)
        try await look(rig)
        #expect(try await kept(rig.sim).archives == 0)
    }

    @Test func whatAnotherNamespaceNamesStays() async throws {
        let rig = Rig()
        let (one, two) = (try await rig.user("one"), try await rig.user("two"))
        let key = try rig.key(one)
        try await rig.running {
            try await rig.deploy("hello", as: one)
            try await rig.deploy("hello", as: two)
            #expect(try await kept(rig.sim) == Kept(archives: 1, bundles: 2, logs: 2))
            try await rig.functions.delete(key, as: one)
            try await rig.eventually { rig.sim.engine.running.count == 1 && rig.dispatcher.bundles.count == 1 }
            try await look(rig)
            #expect(try await kept(rig.sim) == Kept(archives: 1, bundles: 1, logs: 1))
        }
    }

    @Test func aBundleStaysAsLongAsItRuns() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        let key = try rig.key(owner)
        try await rig.running {
            try await rig.deploy("hello", as: owner)
            // By another core: this one has not heard of it.
            try await rig.sim.store.deleteFunction(key)
            try await look(rig, times: 3)
            #expect(try await kept(rig.sim) == Kept(archives: 0, bundles: 1, logs: 1))
            try await rig.directory.refresh(key)
            try await rig.eventually { rig.dispatcher.bundles.isEmpty }
            try await look(rig)
            #expect(try await kept(rig.sim) == Kept())
        }
    }

    @Test func whatADeployHoldsStays() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        let builder = HeldBuilder(rig.sim.builder)
        let other = Rig(on: rig.sim) { world, _ in world.builder = builder }
        // One that nothing names, of an earlier deploy.
        let source = try SourceArchive(
            entries: rig.sim.archives.entries(of: Rig.archive(["hello"]), limits: ArchiveLimits()))
        let artifact = try Digest(reading: source.kept(Rig.archive(["hello"])))
        let bundle = try await rig.sim.builder.build(
            source, artifact: artifact.asBuilt(in: owner.namespace), of: owner.namespace
        ).bundle
        try await other.running {
            let deploy = Task { try await other.deploy("hello", as: owner) }
            try await other.eventually { builder.mostAtOnce == 1 }
            try await look(other, times: 3)
            #expect(try await rig.sim.builder.bundles() == [bundle])
            builder.gate.open()
            #expect(try await deploy.value.version.bundle == bundle)
            try await look(other, times: 3)
            #expect(try await rig.sim.builder.bundles() == [bundle])
        }
    }

    /// Archives are shared: what another core stores for a deploy stays.
    @Test func whatAnotherCoreIsDeployingStays() async throws {
        let sim = SimWorld(seed: 1)
        let (begun, stored) = (Gate(), Gate())
        let deploying = Rig(on: sim) { world, _ in
            world.artifacts = HeldArtifacts(sim.artifacts, before: begun, after: stored)
        }
        let owner = try await deploying.user()
        try await deploying.running {
            let deploy = Task { try await deploying.deploy("hello", as: owner) }
            await begun.reached()
            try await look(Rig(on: sim))
            begun.open()
            await stored.reached()
            try await look(Rig(on: sim))
            stored.open()
            let version = try await deploy.value.version
            #expect(try await sim.artifacts.list() == [version.artifact])
        }
    }

    @Test func onlyTheNewestVersionsAreKept() async throws {
        let rig = Rig { _, settings in settings.quota = Quota([.versions: 2]) }
        let owner = try await rig.user()
        let key = try rig.key(owner)
        try await rig.running {
            for number in 1...5 { try await rig.deploy("hello \(number)", as: owner) }
            _ = try? await rig.deploy("build-error", as: owner)
            try await rig.eventually { rig.dispatcher.bundles.count == 1 }
            try await look(rig)
            #expect(try await rig.versions(owner).map(\.key.number) == [6, 5, 4, 3])
            #expect(try await kept(rig.sim) == Kept(archives: 4, bundles: 3, logs: 1))
            _ = try await rig.deployments.rollback(key, to: 3, as: owner)
            rig.sim.clock.advance(by: Retention.failedLifetime + .seconds(1))
            try await look(rig)
            #expect(try await rig.versions(owner).map(\.key.number) == [5, 4, 3])
        }
    }

    @Test func aVersionThatAChangeMayBringBackStays() async throws {
        let rig = Rig { _, settings in settings.quota = Quota([.versions: 0]) }
        let owner = try await rig.user()
        let lease = DeployLease(cache: rig.sim.cache, key: try rig.key(owner), holder: "elsewhere")
        try await rig.running {
            for number in 1...2 { try await rig.deploy("hello \(number)", as: owner) }
            #expect(await lease.acquire(for: .seconds(600)))
            try await look(rig)
            #expect(try await rig.versions(owner).count == 2)
            await lease.release()
            try await look(rig)
            #expect(try await rig.versions(owner).map(\.key.number) == [2])
        }
    }

    @Test func itLooksByItselfWhenSomethingBecomesFree() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        let key = try rig.key(owner)
        try await rig.running {
            let run = Task { await rig.collector.run() }
            try await rig.deploy("hello", as: owner)
            try await rig.functions.delete(key, as: owner)
            let began = rig.sim.clock.now()
            while try await kept(rig.sim) != Kept() {
                try Task.checkCancellation()
                await Task.yield()
                rig.sim.clock.advance(by: .milliseconds(100))
            }
            #expect(began.duration(to: rig.sim.clock.now()) < .seconds(60))
            run.cancel()
            await run.value
        }
    }
}
