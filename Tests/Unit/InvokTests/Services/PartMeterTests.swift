import InvokSim
import TestSupport
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct PartMeterTests {
    @Test func aCallIsCountedWithItsTime() async throws {
        let clock = SimClock()
        let meter = PartMeter(clock: clock)
        let value = await meter.measure { () -> Int in
            clock.advance(by: .milliseconds(25))
            return 7
        }
        #expect(value == 7)
        #expect(meter.current.calls == 1 && meter.current.failures == 0)
        #expect(meter.current.durations.sumNanoseconds == 25_000_000)
    }

    @Test func toSayNoIsNoFailure() async throws {
        let rig = Rig()
        let before = try #require(rig.parts.current.first { $0.name == "store" }).counts
        _ = try? await rig.world.store.setAccess(
            .public,
            of: FunctionKey(namespace: UUIDValue(high: 0, low: 1), name: try FunctionName("none")),
            at: rig.world.clock.wallTime())
        rig.store.isAway = true
        _ = try? await rig.world.store.check()
        let after = try #require(rig.parts.current.first { $0.name == "store" }).counts
        #expect(after.calls == before.calls + 2)
        #expect(after.failures == before.failures + 1)
    }

    @Test func allPartsAreCounted() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        let key = try rig.key(owner)
        try await rig.running {
            try await rig.deploy("hello hi", as: owner)
            for part in rig.parts.current { #expect(part.counts.calls > 0, "\(part.name)") }
            #expect(rig.metrics.fleet.used.instances == 1)
            #expect(rig.metrics.loads[key] == FunctionLoad(instances: 1, requests: 0))
        }
    }
}
