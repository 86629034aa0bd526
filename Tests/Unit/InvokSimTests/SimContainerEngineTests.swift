import Invok
import InvokSim
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct SimContainerEngineTests {
    @Test func listsWhatRuns() async throws {
        let fixture = try Fixture()
        let first = try await fixture.start("hello", ordinal: 1)
        let second = try await fixture.start("hello", ordinal: 2)
        #expect(try await fixture.world.engine.list() == [first, second])
        #expect(first.endpoint != second.endpoint)
        await fixture.world.engine.stop(first.id, grace: .seconds(1))
        await fixture.world.engine.stop(first.id, grace: .seconds(1))
        #expect(try await fixture.world.engine.list() == [second])
    }

    @Test func startsNothingTwiceAndNothingUnbuilt() async throws {
        let fixture = try Fixture()
        let instance = try await fixture.start("hello")
        await #expect(throws: EngineError.self) { try await fixture.start("hello") }
        let spec = try #require(fixture.world.engine.spec(of: instance.id))
        try await fixture.world.builder.remove(spec.bundle)
        await fixture.world.engine.stop(instance.id, grace: .zero)
        await #expect(throws: EngineError.startFailed("the bundle does not exist")) {
            try await fixture.world.engine.start(spec)
        }
    }

    @Test func tellsOfInstancesThatEndByThemselvesOnly() async throws {
        let fixture = try Fixture()
        let exits = fixture.world.engine.exits()
        let stopped = try await fixture.start("hello", ordinal: 1)
        await fixture.world.engine.stop(stopped.id, grace: .zero)
        let crashed = try await fixture.start("crash", ordinal: 2)
        var iterator = exits.makeAsyncIterator()
        #expect(await iterator.next() == InstanceExit(id: crashed.id, reason: "exited with status 1"))
        #expect(fixture.world.engine.running.isEmpty)
        let log = try await fixture.world.logs.lines(of: fixture.function, since: nil, limit: 10)
        #expect(log.map(\.line.text) == ["the instance exited with status 1"])
        #expect(log.first?.line.instance == crashed.id)
    }

    @Test func stoppingWaitsForRequestsAndTakesNoNewOnes() async throws {
        let fixture = try Fixture()
        let (clock, engine) = (fixture.world.clock, fixture.world.engine)
        let instance = try await fixture.start("slow 1000", "hello done")
        async let answer = fixture.call(instance)
        await clock.waitForSleepers(1)
        #expect(engine.requestCount(of: instance.id) == 1)
        async let stop: Void = engine.stop(instance.id, grace: .seconds(10))
        await clock.waitForSleepers(2)
        await #expect(throws: TransportError.refused("nothing listens there")) { try await fixture.call(instance) }
        clock.advance(by: .seconds(1))
        #expect(try await answer.text == "done")
        await stop
        #expect(engine.running.isEmpty)
        #expect(clock.sleeperCount == 0)
    }

    @Test func stoppingCutsOffAfterTheGrace() async throws {
        let fixture = try Fixture()
        let clock = fixture.world.clock
        let instance = try await fixture.start("slow 60000")
        let answer = Task { try await fixture.call(instance) }
        await clock.waitForSleepers(1)
        async let stop: Void = fixture.world.engine.stop(instance.id, grace: .seconds(10))
        await clock.waitForSleepers(2)
        clock.advance(by: .seconds(10))
        await stop
        await #expect(throws: TransportError.broken("the instance died")) { try await answer.value }
    }
}
