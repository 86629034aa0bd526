import InvokSim
import TestSupport
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct CallMeterTests {
    private final class Loop {}

    private let call = CallRecord(status: 200, duration: .milliseconds(1))

    private func key(_ number: Int) throws -> FunctionKey {
        FunctionKey(namespace: UUIDValue(high: 1, low: 2), name: try FunctionName("f\(number)"))
    }

    @Test func aPlaceIsGoodUntilTheCountsAreTaken() throws {
        let (meter, loop) = (CallMeter(began: Timestamp(millisecondsSinceEpoch: 0)), Loop())
        let shard = meter.shard(of: ObjectIdentifier(loop))
        #expect(meter.shard(of: ObjectIdentifier(loop)) === shard)
        let (first, second) = (try key(1), try key(2))
        var place: CallMeter.Place?
        for _ in 0..<3 { shard.record(call, of: first, at: &place) }
        #expect(meter.current.functions[first]?.calls.calls == 3)
        // Now another function has the place that the first one had.
        shard.record(call, of: second)
        shard.record(call, of: first, at: &place)
        #expect(meter.current.functions[first]?.calls.calls == 4)
        #expect(meter.current.functions[second]?.calls.calls == 1)
    }

    @Test func allShardsAreAddedUp() throws {
        let (meter, loops, key) = (
            CallMeter(began: Timestamp(millisecondsSinceEpoch: 0)), [Loop(), Loop()], try key(1)
        )
        for loop in loops { meter.shard(of: ObjectIdentifier(loop)).record(call, of: key) }
        meter.tasks.record(call, of: key)
        meter.tasks.record(call, of: nil)
        #expect(meter.current.functions[key]?.calls.calls == 3)
        #expect(meter.current.strays.calls == 1)
    }

    @Test func whatIsReadWhileOthersCountIsLostNowhere() async throws {
        let (meter, key) = (CallMeter(began: Timestamp(millisecondsSinceEpoch: 0)), try key(1))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { for _ in 0..<2000 { meter.tasks.record(call, of: key) } }
            }
            for _ in 0..<200 { _ = meter.current }
        }
        #expect(meter.current.functions[key]?.calls.calls == 8000)
    }

    // MARK: What is learned on the way

    @Test func aColdStartIsCountedForThoseWhoWaitedForIt() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            try await rig.deploy(
                "hello hi", limits: #"{"minInstances":0,"idleSeconds":1}"#, access: "public", as: owner)
            let key = try rig.key(owner)
            // That of the deploy is ready.
            let warm = CallTrace()
            _ = try await rig.invoke(key, trace: warm)
            #expect(warm.function == key)
            let record = warm.record(status: 200, answerBytes: 2, duration: .zero)
            #expect(record.wait == nil && !record.isCold)
            rig.sim.clock.advance(by: .seconds(10))
            try await rig.eventually { rig.sim.engine.running.isEmpty }
            let cold = CallTrace()
            let call = Task { try await rig.invoke(key, trace: cold) }
            try await rig.eventually {
                rig.sim.clock.advance(by: .milliseconds(10))
                return cold.record(status: nil, answerBytes: 0, duration: .zero).isCold
            }
            _ = try await call.value
            let waited = cold.record(status: 200, answerBytes: 2, duration: .zero)
            #expect(waited.wait ?? .zero > .zero)
            #expect(rig.calls.current.functions[key]?.starts == CallLedger.Starts(begun: 2, failed: 0))
        }
    }

    @Test func whoIsNotLetInCountsForNoFunction() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            try await rig.deploy("hello hi", as: owner)
            let trace = CallTrace()
            await #expect(throws: InvokError.self) { try await rig.invoke(try rig.key(owner), trace: trace) }
            #expect(trace.function == nil)
        }
    }
}
