import HTTPTypes
import InvokSim
import Synchronization
import TestSupport
import Testing

@testable import InvokSimulation

struct SimSiteTests {
    private struct Outcome: Hashable, Sendable {
        var ends: [SimConnection.End]
        var statuses: [Int?]
        var hash: UInt64
    }

    /// A request to a site that serves, one without a core, one after the restart, and one that is hung up on.
    private static func visit(seed: UInt64, onBytes: Bool = false) async -> Outcome {
        let site = SimSite(seed: seed, onBytes: onBytes) { SimHTTPServer($0) }
        let results = Mutex<[(SimConnection.End, Int?)]>([])
        let ask: @Sendable () async -> Void = {
            let sink = RecordingSink()
            let head = HTTPRequest(method: .get, scheme: "http", authority: "localhost", path: "/readyz")
            let end = await site.exchange(head, body: [], sink: sink)
            results.withLock { $0.append((end, sink.head?.status.code)) }
        }
        _ = await SimScheduler.run(seed: seed, onIdle: { site.clock.advanceToNextTimer() }) {
            await site.start()
            await ask()
            await site.crash()
            await ask()
            await site.start()
            await ask()
            let hasty = Task { await ask() }
            hasty.cancel()
            await hasty.value
            await site.stop()
        }
        return Outcome(
            ends: results.withLock { $0.map(\.0) }, statuses: results.withLock { $0.map(\.1) }, hash: site.traceHash)
    }

    @Test(arguments: [false, true]) func answersAsLongAsACoreRuns(onBytes: Bool) async {
        let outcome = await Self.visit(seed: 1, onBytes: onBytes)
        #expect(outcome.ends == [.whole, .cutOff, .whole, .hungUp])
        #expect(outcome.statuses == [200, nil, 200, nil])
    }

    @Test func takesItsTimeAsTheSeedSays() async {
        #expect(await Self.visit(seed: 2) == (await Self.visit(seed: 2)))
        #expect(await Self.visit(seed: 2).hash != (await Self.visit(seed: 3)).hash)
    }
}
