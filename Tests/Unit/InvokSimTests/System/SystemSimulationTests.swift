import InvokSim
import InvokSimHTTP
import Testing

/// The whole control plane from fixed seeds. More seeds: `make sim SEEDS=1000`.
struct SystemSimulationTests {
    private static func run(
        _ seed: UInt64, _ change: @Sendable @escaping (inout SystemSimulation.Configuration) -> Void = { _ in }
    ) async -> SystemSimulation.Report {
        await SimThread.run {
            var configuration = SystemSimulation.Configuration(seed: seed)
            configuration.duration = .seconds(60)
            change(&configuration)
            return SystemSimulation.run(configuration) { SimHTTPServer($0) }
        }
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func withoutFaultsNothingIsLost(seed: UInt64) async {
        let report = await Self.run(seed) { $0.faults = [] }
        #expect(report.violations == [])
        #expect(report.marks["request answered", default: 0] > 50)
    }

    /// The seeds together must reach every fault and every way back from one, or they prove nothing about it.
    @Test func withFaultsAllHoldsAndEachFaultComes() async {
        var marks: Set<String> = []
        for seed in 1...12 as ClosedRange<UInt64> {
            let report = await Self.run(seed)
            #expect(report.violations == [], "replay: invok-sim --seed \(seed) --minutes 1")
            marks.formUnion(report.marks.keys)
        }
        let expected = [
            "request answered", "request cut off by a crash", "stranger refused", "deploy acknowledged",
            "roll back acknowledged", "delete acknowledged", "converged", "core crashed", "instance crashed",
            "cache lost", "error unavailable", "error start_failed", "error build_failed",
        ]
        #expect(marks.isSuperset(of: expected), "never reached: \(Set(expected).subtracting(marks).sorted())")
        for fault in SimFault.allCases {
            #expect(marks.contains { $0.hasPrefix(fault.rawValue) }, "no \(fault.rawValue) ever came")
        }
    }

    @Test func oneSeedGivesOneReport() async {
        let (first, second) = (await Self.run(3), await Self.run(3))
        #expect(first == second)
        #expect(first.hash != (await Self.run(4)).hash)
    }

    @Test func stopsAtTheStepLimit() async {
        #expect(await Self.run(1) { $0.stepLimit = 500 }.steps == 500)
    }
}
