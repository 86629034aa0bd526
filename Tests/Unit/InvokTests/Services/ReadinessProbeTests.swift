import InvokSim
import TestSupport
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct ReadinessProbeTests {
    @Test func howeverOftenItIsReadNothingIsAsked() async throws {
        let rig = Rig()
        for _ in 0..<100 { _ = rig.system.readiness }
        #expect(rig.sim.effects.counts["store.check"] == nil)
    }

    /// A part that hangs is asked once, and is missing as soon as it has let the probe wait for long.
    @Test func aHungPartIsMissingAndNotAskedAgain() async throws {
        let rig = Rig()
        await rig.probe.ask()
        #expect(rig.probe.failures == ["store": nil, "cache": nil, "engine": nil])
        let gate = Gate()
        rig.store.hang(gate)
        let run = Task { await rig.probe.run() }
        await rig.sim.clock.waitForSleepers(3)
        rig.sim.clock.advance(by: ReadinessProbe.interval)
        await gate.reached()
        #expect(rig.probe.failures["store"] == .some(nil))
        rig.sim.clock.advance(by: ReadinessProbe.limit)
        #expect(rig.probe.failures["store"] != .some(nil))
        #expect(rig.probe.failures["engine"] == .some(nil))
        rig.store.hang(nil)
        gate.open()
        try await rig.eventually {
            rig.sim.clock.advance(by: ReadinessProbe.interval)
            return rig.probe.failures["store"] == .some(nil)
        }
        run.cancel()
        await run.value
    }

    @Test func withoutItsEngineWhatRunsIsServedOn() {
        let parts: [String: String?] = ["store": nil, "cache": nil, "engine": "away"]
        #expect(Readiness(parts: parts, knowsFunctions: true).status == .degraded)
        #expect(Readiness(parts: parts, knowsFunctions: false).status == .unavailable)
    }
}
