import Invok
import Testing

@testable import InvokSim
@testable import InvokSimulation

struct SimMischiefTests {
    @Test func seedsChooseEachKindAndOftenNone() {
        let drawn = (1...200).map { SimMischief.draw(seed: $0, from: Set(SimMischief.allCases)) }
        #expect(Set(drawn.joined()) == Set(SimMischief.allCases))
        #expect((70...130).contains(drawn.count { $0.isEmpty }))
        #expect(drawn.allSatisfy { $0.count <= 2 })
        #expect((1...200).allSatisfy { SimMischief.draw(seed: $0, from: [.hoard]).allSatisfy { $0 == .hoard } })
    }

    /// Each kind, with whatever faults its first seed has.
    @Test func nobodyElseIsHarmed() async throws {
        let kinds = SimMischief.allCases.sorted()
        try await SimPool.run(kinds, at: 2) { kind in
            let seed = (1...1000).first { SimMischief.draw(seed: $0, from: [kind]) == [kind] } ?? 0
            var configuration = SystemSimulation.Configuration(seed: seed)
            configuration.duration = .seconds(30)
            configuration.mischief = [kind]
            return SystemSimulation.run(configuration) { SimHTTPServer($0) }
        } read: { kind, report in
            #expect(report.violations == [], "replay: invok-sim --seed \(report.seed) --minutes 0.5")
            #expect(report.marks["mischief \(kind.rawValue)", default: 0] > 0)
        }
    }

    @Test(arguments: SimHostileArchive.allCases)
    func noHostileArchiveBecomesAFunction(_ kind: SimHostileArchive) throws {
        var random = SimRandomness(seed: 1).stream("archives").generator
        let key = FunctionKey(namespace: Namespace(high: 1, low: 1), name: try FunctionName("hello"))
        let bytes = kind.bytes(for: key, &random)
        let limits = ArchiveLimits(archiveBytes: 64 << 10, contentBytes: 64 << 10, entries: 100)
        let source = Result { () throws(InvokError) in
            try SourceArchive(entries: SimArchiveReader().entries(of: bytes, limits: limits))
        }
        switch source {
        case .success(let source): #expect(source.config.name != key.name)
        case .failure(let error): #expect([.invalidArchive, .invalidConfig, .payloadTooLarge].contains(error.code))
        }
    }
}
