import Invok
import Testing

@testable import InvokSim

struct SimGaugeTests {
    private let checker = SimChecker(clock: SimClock())

    @Test func moreInUseThanMayBe() {
        let gauge = SimGauge("places", limit: 2, checker: checker)
        gauge.take(2)
        #expect(checker.holds && checker.marks["all places in use"] == 1)
        gauge.give()
        gauge.take()
        #expect(checker.holds)
        gauge.take()
        #expect(!checker.holds)
    }

    @Test func whatEndsIsInUseNoMore() async {
        let gauge = SimGauge("places", limit: 1, checker: checker)
        for _ in 0..<2 { await gauge.during {} }
        #expect(checker.holds)
        await gauge.during { await gauge.during {} }
        #expect(!checker.holds)
    }

    @Test func aCoreThatCrashesUsesNothingAnyMore() async {
        let gauge = SimGauge("places", limit: 1, checker: checker)
        let core = SimCore(name: "core")
        let (entered, never) = (SimLatch(), SimLatch())
        let work = core.start {
            await gauge.during {
                entered.open()
                _ = await never.wait()
            }
        }
        _ = await entered.wait()
        core.crash()
        await gauge.during {}
        #expect(checker.holds)
        // Its crash has given the place back, and nothing does so again.
        never.open()
        await work.value
        gauge.take(2)
        #expect(!checker.holds)
    }

    @Test func aSpoolCountsWhatIsThere() async throws {
        let files = SimGauge("files", limit: 1, checker: checker)
        let bytes = SimGauge("bytes", limit: 4, checker: checker)
        let spool = SimSpool(effects: SimEffects(), files: files, bytes: bytes)
        for _ in 0..<2 { try await spool.make().append([1, 2, 3, 4]) }
        #expect(checker.holds)
        let first = try await spool.make()
        try await first.append([1, 2, 3, 4, 5])
        #expect(checker.violations.count == 1)
        _ = try await spool.make()
        #expect(checker.violations.count == 2)
        #expect(first.count == 5)
    }

    @Test func aBuilderCountsItsBuilds() async throws {
        let builder = SimFunctionBuilder(
            effects: SimEffects(), processors: nil, running: SimGauge("builds", limit: 0, checker: checker))
        let (source, artifact) = try Fixture.source("hello")
        _ = try await builder.build(source, artifact: artifact)
        #expect(checker.violations.count == 1)
    }
}
