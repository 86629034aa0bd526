import Invok
import InvokRuntimes

/// One command of a build, isolated, until it ends, its time is over or it has filled its share of the disk.
package struct BuildRun: Sendable {
    package let isolation: Isolation
    package let tool: BuildTool
    package let folder: BuildFolder
    /// The longest that the command may run.
    package let deadlineSeconds: Int
    /// What the build may leave on the disk. It can pass that by what it writes between two looks.
    package var quotaBytes = 1 << 30

    private static let logBytes = 64 * 1024
    private static let lookInterval = Duration.milliseconds(250)

    private enum Outcome: Sendable {
        case ended(Result<CapturedRun, BuildError>)
        case late
        case tooLarge
        case watchEnded
    }

    package static func isolation(
        _ environment: [String: String], _ command: [String], _ tool: BuildTool
    ) -> Isolation {
        let platform = ["HOME": "/tmp", "TMPDIR": "/tmp", "TZ": "UTC", "LANG": "C.UTF-8", "GOPATH": "/tmp/go"]
        return Isolation(
            mounts: tool.mounts, workingDirectory: "/build",
            environment: platform.merging(tool.environment) { $1 }.merging(environment) { $1 },
            command: [tool.executable] + command.dropFirst(), temporaryBytes: 1 << 30,
            limits: ResourceLimits(
                memoryBytes: 3 << 30, cpus: 2, processes: 512, openFiles: 4096, fileBytes: 512 << 20))
    }

    /// - Throws: when it did not end by itself. How it ended is in the result.
    package func run(in place: any BuildPlace) async throws(BuildError) -> CapturedRun {
        let outcomes = await outcomes(in: place)
        if Task.isCancelled { throw .cancelled }
        var result: Result<CapturedRun, BuildError>?
        for case .ended(let ended) in outcomes { result = ended }
        switch result {
        case .success(let run)?:
            let log = Self.readable(run.output)
            if case .late? = outcomes.first { throw .deadlineExceeded(seconds: deadlineSeconds, log: log) }
            guard await !place.onDisk({ folder.exceeds(quotaBytes) }) else {
                throw .failed(reason: "the build wrote more than \(quotaBytes >> 20) MB", log: log)
            }
            return run
        case .failure(let error)?: throw error
        case nil: throw .cancelled
        }
    }

    /// In the order in which they came about; the first ends what else runs.
    private func outcomes(in place: any BuildPlace) async -> [Outcome] {
        let began = Event<Void>()
        return await withTaskGroup(of: Outcome.self) { group in
            group.addTask {
                // Also where it never did: somebody waits.
                defer { began.signal() }
                do throws(BuildError) {
                    return .ended(
                        .success(
                            try await place.run(isolation, with: tool, outputLimit: Self.logBytes) { began.signal() }))
                } catch {
                    return .ended(.failure(error))
                }
            }
            group.addTask {
                await began.wait()
                do throws(CancellationError) {
                    try await place.clock.sleep(
                        until: place.clock.now().advanced(by: .seconds(deadlineSeconds)))
                    return .late
                } catch {
                    return .watchEnded
                }
            }
            group.addTask { await watchQuota(place) }
            var outcomes: [Outcome] = []
            for await outcome in group {
                outcomes.append(outcome)
                group.cancelAll()
            }
            return outcomes
        }
    }

    /// The kernel has no quota for a directory, so somebody has to look; most builds end before the first time.
    private func watchQuota(_ place: any BuildPlace) async -> Outcome {
        while true {
            do throws(CancellationError) {
                try await place.clock.sleep(until: place.clock.now().advanced(by: Self.lookInterval))
            } catch {
                return .watchEnded
            }
            if await place.onDisk({ folder.exceeds(quotaBytes) }) { return .tooLarge }
        }
    }

    /// The output as the person shall read it: Go's lines about packages go, its paths lose their `./`, and nothing in it
    /// steers a terminal.
    package static func readable(_ output: [UInt8]) -> String {
        PlainText.escaped(String(decoding: output, as: UTF8.self)).split(
            separator: "\n", omittingEmptySubsequences: false
        )
        .filter { !$0.hasPrefix("# ") }
        .map { $0.hasPrefix("./") ? $0.dropFirst(2) : $0 }
        .joined(separator: "\n")
    }
}
