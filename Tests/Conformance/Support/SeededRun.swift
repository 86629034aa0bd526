import Foundation
import Invok
import InvokSim
import InvokSimulation
import Synchronization
import Testing

/// One run of a scenario from a seed.
final class SeededRun: Sendable {
    /// The run that the present task belongs to.
    @TaskLocal static var current: SeededRun?

    /// What nothing takes that ends.
    private static let limit = Instant(nanoseconds: 3_600_000_000_000)

    /// `SEED=7` runs only that one.
    static let seeds: [UInt64] = {
        guard let text = ProcessInfo.processInfo.environment["SEED"], !text.isEmpty else { return Array(1...20) }
        guard let seed = UInt64(text) else { preconditionFailure("SEED is '\(text)', but must be a number") }
        return [seed]
    }()

    let seed: UInt64
    private let failed = Mutex(false)
    private let error = Mutex<(any Error)?>(nil)

    private init(seed: UInt64) { self.seed = seed }

    var hasFailed: Bool { failed.withLock { $0 } }
    func fail() { failed.withLock { $0 = true } }

    /// Runs a scenario under each seed, until one fails.
    /// - Returns: a hash over all runs: the same in every process.
    static func eachSeed(
        onBytes: Bool = true, _ body: @escaping @Sendable (any Installation) async throws -> Void
    ) async throws -> TraceHash {
        var all = TraceHash()
        for seed in seeds {
            let run = SeededRun(seed: seed)
            let hash = try await Places.simulations.with {
                try await $current.withValue(run) { try await run.run(onBytes: onBytes, body) }
            }
            all.add(hash)
            if run.hasFailed { break }
        }
        return all
    }

    private func run(
        onBytes: Bool, _ body: @escaping @Sendable (any Installation) async throws -> Void
    ) async throws -> UInt64 {
        // Every other one over a network.
        let site = SimSite(seed: seed, onBytes: onBytes && seed.isMultiple(of: 2)) { SimHTTPServer($0) }
        let report = await SimScheduler.run(
            seed: seed, isOver: { site.clock.now() > Self.limit }, onIdle: { site.clock.advanceToNextTimer() }
        ) {
            await site.start()
            let installation = SimInstallation(site)
            do {
                try await body(installation)
            } catch {
                self.fail()
                self.error.withLock { $0 = error }
            }
            await installation.stop()
        }
        if let error = error.withLock({ $0 }) { throw error }
        #expect(report.end == .finished)
        #expect(report.foreignJobs == 0, "something waits for a real clock")
        #expect(site.violations == [])
        var hash = report.hash
        hash.add(site.traceHash)
        return hash.value
    }
}

extension Trait where Self == IssueHandlingTrait {
    /// Names the seed with each failure of a scenario.
    static var seeded: IssueHandlingTrait {
        .compactMapIssues { issue in
            guard let run = SeededRun.current else { return issue }
            run.fail()
            var issue = issue
            issue.comments.append("seed \(run.seed); to replay: SEED=\(run.seed) WORLDS=sim swift test --filter …")
            return issue
        }
    }
}

/// Lets so many run at a time, in the order in which they came.
actor Places {
    /// A simulation takes a whole core.
    static let simulations = Places(ProcessInfo.processInfo.activeProcessorCount)
    /// Docker makes containers no faster for getting many at once, and scenarios have time limits.
    static let containers = Places(2 * ProcessInfo.processInfo.activeProcessorCount)

    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ count: Int) { free = count }

    nonisolated func with<Value: Sendable>(_ body: @Sendable () async throws -> Value) async rethrows -> Value {
        await enter()
        do {
            let value = try await body()
            await leave()
            return value
        } catch {
            await leave()
            throw error
        }
    }

    private func enter() async {
        if free > 0 { free -= 1 } else { await withCheckedContinuation { waiting.append($0) } }
    }

    private func leave() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}
