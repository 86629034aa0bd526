import Invok
import Synchronization
import Testing

@testable import InvokSim

struct SimGaugeTests {
    private let witness = Witness()

    @Test func moreInUseThanMayBe() {
        let gauge = SimGauge("places", limit: 2, observer: witness)
        gauge.take(2)
        #expect(witness.holds && witness.marks["all places in use"] == 1)
        gauge.give()
        gauge.take()
        #expect(witness.holds)
        gauge.take()
        #expect(!witness.holds)
    }

    @Test func whatEndsIsInUseNoMore() async {
        let gauge = SimGauge("places", limit: 1, observer: witness)
        for _ in 0..<2 { await gauge.during {} }
        #expect(witness.holds)
        await gauge.during { await gauge.during {} }
        #expect(!witness.holds)
    }

    @Test func aCoreThatCrashesUsesNothingAnyMore() async {
        let gauge = SimGauge("places", limit: 1, observer: witness)
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
        #expect(witness.holds)
        // Its crash has given the place back, and nothing does so again.
        never.open()
        await work.value
        gauge.take(2)
        #expect(!witness.holds)
    }

    @Test func aSpoolCountsWhatIsThere() async throws {
        let files = SimGauge("files", limit: 1, observer: witness)
        let bytes = SimGauge("bytes", limit: 4, observer: witness)
        let spool = SimSpool(effects: SimEffects(), files: files, bytes: bytes)
        for _ in 0..<2 { try await spool.make().append([1, 2, 3, 4]) }
        #expect(witness.holds)
        let first = try await spool.make()
        try await first.append([1, 2, 3, 4, 5])
        #expect(witness.violations.count == 1)
        _ = try await spool.make()
        #expect(witness.violations.count == 2)
        #expect(first.count == 5)
    }

    @Test func aBuilderCountsItsBuilds() async throws {
        let builder = SimFunctionBuilder(
            effects: SimEffects(), processors: nil, running: SimGauge("builds", limit: 0, observer: witness))
        let (source, artifact) = try Fixture.source("hello")
        _ = try await builder.build(source, artifact: artifact, of: UUIDValue(high: 1, low: 2))
        #expect(witness.violations.count == 1)
    }
}

/// Keeps what it is told.
private final class Witness: SimObserver {
    private let state = Mutex((marks: [String: Int](), violations: [String]()))

    var marks: [String: Int] { state.withLock { $0.marks } }
    var violations: [String] { state.withLock { $0.violations } }
    var holds: Bool { violations.isEmpty }

    func mark(_ name: String) { state.withLock { $0.marks[name, default: 0] += 1 } }
    func require(_ holds: Bool, _ text: @autoclosure () -> String) {
        let text = text()
        if !holds { state.withLock { $0.violations.append(text) } }
    }
}
