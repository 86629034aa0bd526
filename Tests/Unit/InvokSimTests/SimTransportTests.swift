import HTTPTypes
import Invok
import InvokSim
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct SimTransportTests {
    @Test(arguments: [
        ("hello", "hello", 200), ("hello to you", "to you", 200), ("status 418", "hello", 418),
        ("env COLOUR", "blue", 200),
        ("env NONE", "", 200), ("huge 200001", String(repeating: "x", count: 200_001), 200),
    ])
    func answersAsItsSourceSays(_ directive: String, _ body: String, _ status: Int) async throws {
        let fixture = try Fixture()
        let answer = try await fixture.call(try await fixture.start(directive))
        #expect(answer.text == body)
        #expect(answer.head?.status.code == status)
        #expect(answer.header("x-sim-namespace") == fixture.function.namespace.description)
        #expect(answer.header("x-sim-version") == "3")
        #expect(answer.isFinished)
    }

    @Test func echoesTheRequest() async throws {
        let fixture = try Fixture()
        let body: [[UInt8]] = [Array(0...255), [0, 0x0D, 0x0A]]
        let answer = try await fixture.call(
            try await fixture.start("echo"), .put, "/hello/a/b?q=1", headers: [.accept: "*/*", .contentType: "a/b"],
            body: body)
        #expect(answer.body == Array(body.joined()))
        #expect(answer.header("x-echo-method") == "PUT")
        #expect(answer.header("x-echo-path") == "/hello/a/b?q=1")
        #expect(answer.header("x-echo-accept") == "*/*")
        #expect(answer.header("content-type") == "a/b")
    }

    @Test func answersReadinessItself() async throws {
        let fixture = try Fixture()
        let instance = try await fixture.start("hang")
        #expect(try await fixture.call(instance, .get, "/_invok/ready").head?.status == .ok)
    }

    @Test(arguments: [("never-ready", "/_invok/ready"), ("hang", "/hello")])
    func hangsUntilTheInstanceDiesOrTheCallerGivesUp(_ directive: String, _ path: String) async throws {
        let fixture = try Fixture()
        let instance = try await fixture.start(directive)
        let abandoned = Task { try await fixture.call(instance, .get, path) }
        abandoned.cancel()
        await #expect(throws: TransportError.cancelled) { try await abandoned.value }
        let answer = Task { try await fixture.call(instance, .get, path) }
        await fixture.world.engine.crash(instance.id)
        // Either order is right: the call came before the death or after it.
        let error = await #expect(throws: TransportError.self) { try await answer.value }
        #expect([.broken("the instance died"), .refused("nothing listens there")].contains(error))
    }

    @Test(arguments: [
        ("break", TransportError.broken("the answer was not whole")), ("refuse", .refused("nothing listens there")),
    ])
    func failsAsItsSourceSays(_ directive: String, _ error: TransportError) async throws {
        let fixture = try Fixture()
        let instance = try await fixture.start(directive)
        #expect(try await fixture.call(instance, .get, "/_invok/ready").head?.status == .ok)
        await #expect(throws: error) { try await fixture.call(instance) }
        #expect(fixture.world.engine.requestCount(of: instance.id) == 0)
    }

    @Test func onlyTheFirstBecomesReady() async throws {
        let fixture = try Fixture()
        let first = try await fixture.start("ready-once")
        #expect(try await fixture.call(first, .get, "/_invok/ready").head?.status == .ok)
        let second = try await fixture.start("ready-once", ordinal: 2)
        let check = Task { try await fixture.call(second, .get, "/_invok/ready") }
        check.cancel()
        await #expect(throws: TransportError.cancelled) { try await check.value }
    }

    @Test func diesAtARequestAndIsThenRefused() async throws {
        let fixture = try Fixture()
        let exits = fixture.world.engine.exits()
        let instance = try await fixture.start("exit-on-request")
        await #expect(throws: TransportError.broken("the instance died")) { try await fixture.call(instance) }
        await #expect(throws: TransportError.refused("nothing listens there")) { try await fixture.call(instance) }
        var iterator = exits.makeAsyncIterator()
        #expect(await iterator.next()?.id == instance.id)
    }

    @Test func writesItsLog() async throws {
        let fixture = try Fixture()
        let instance = try await fixture.start("log first", "log second line")
        _ = try await fixture.call(instance)
        let entries = try await fixture.world.logs.lines(of: fixture.function, since: nil, limit: 10)
        #expect(entries.map(\.line.text) == ["first", "second line"])
        #expect(entries.allSatisfy { $0.line.source == .stdout && $0.line.instance == instance.id })
    }

    @Test func aClientThatGoesAwayEndsTheExchange() async throws {
        let fixture = try Fixture()
        let instance = try await fixture.start("huge 1000000")
        let request = InvocationRequest(
            head: HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/hello"), body: EmptyBody())
        await #expect(throws: TransportError.clientGone) {
            try await fixture.world.transport.exchange(request, with: instance.endpoint, sink: BrokenSink())
        }
        #expect(fixture.world.engine.requestCount(of: instance.id) == 0)
    }

    private final class BrokenSink: ResponseSink {
        private struct Gone: Error {}
        func writeHead(_ head: HTTPResponse) async throws {}
        func writeChunk(_ bytes: [UInt8]) async throws { throw Gone() }
        func finish(trailers: HTTPFields?) async throws {}
    }

    @Test func aCoreThatCrashesRightAfterItHasSentLeavesNothing() async throws {
        let fixture = try Fixture()
        let instance = try await fixture.start("echo")
        let (engine, clock) = (fixture.world.engine, SimClock())
        let transport = SimTransport(
            engine: engine, clock: clock, effects: SimEffects(clock: clock, faults: SimFaultPlan(seed: 1, faults: [])))
        _ = await SimScheduler.run(seed: 1, onIdle: { clock.advanceToNextTimer() }) {
            let core = SimCore(name: "core")
            core.start {
                let head = HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/hello")
                try? await transport.exchange(
                    InvocationRequest(head: head, body: ListBody([])), with: instance.endpoint, sink: RecordingSink())
                Issue.record("the answer came before the crash")
            }
            while engine.requestCount(of: instance.id) == 0 {
                try? await clock.sleep(until: clock.now().advanced(by: .microseconds(1)))
            }
            core.crash()
        }
        #expect(engine.requestCount(of: instance.id) == 0)
    }
}
