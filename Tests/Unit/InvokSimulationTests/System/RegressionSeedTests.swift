import Foundation
import InvokSim
import Testing

@testable import InvokSimulation

/// Each file of `Tests/Seeds` is a run that once found a bug.
struct RegressionSeedTests {
    struct Seed: Codable, CustomTestStringConvertible {
        /// What the seed found, and what was mended.
        let found: String
        let seed: UInt64
        let minutes: Double
        let cores: Int
        let users: Int
        let functions: Int
        /// The names of the faults, or `all`.
        let faults: [String]
        /// Whether requests go over a network; not unless told.
        var bytes: Bool?

        var testDescription: String { "seed \(seed): \(found)" }

        var configuration: SystemSimulation.Configuration {
            get throws {
                var configuration = SystemSimulation.Configuration(seed: seed)
                configuration.duration = .milliseconds(Int(minutes * 60_000))
                configuration.cores = cores
                configuration.users = users
                configuration.functions = functions
                configuration.onBytes = bytes ?? false
                if faults != ["all"] {
                    configuration.faults = Set(
                        try faults.map { try #require(SimFault(rawValue: $0), "no fault \($0)") })
                }
                return configuration
            }
        }
    }

    static let seeds: [Seed] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Seeds")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false))) ?? []
        return names.filter { $0.hasSuffix(".json") }.sorted().map { name in
            // A file that cannot be read is no seed, and the count below says so.
            (try? JSONDecoder().decode(Seed.self, from: Data(contentsOf: folder.appending(path: name))))
                ?? Seed(found: "unreadable: \(name)", seed: 0, minutes: 0, cores: 0, users: 0, functions: 0, faults: [])
        }
    }()

    @Test func eachFileCanBeRead() {
        #expect(!Self.seeds.isEmpty)
        #expect(Self.seeds.allSatisfy { $0.minutes > 0 })
    }

    @Test(arguments: seeds) func findsNothingAnyMore(seed: Seed) async throws {
        let configuration = try seed.configuration
        let report = await SimThread.run { SystemSimulation.run(configuration) { SimHTTPServer($0) } }
        #expect(report.violations == [])
    }
}
