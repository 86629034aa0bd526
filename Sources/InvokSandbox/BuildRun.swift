import Invok
import InvokRuntimes

/// One command of a build, in its sandbox, until it ends, its time is over or it has filled its share of the disk.
struct BuildRun: Sendable {
    let sandbox: Sandbox
    let folder: BuildFolder
    let deadlineSeconds: Int
    /// What the build may leave on the disk. It can pass that by what it writes between two looks.
    var quotaBytes = 1 << 30
    let clock: any Clock

    private static let logBytes = 64 * 1024
    private static let lookInterval = Duration.milliseconds(250)

    private enum Outcome: Sendable {
        case ended(Result<CapturedRun, LaunchError>)
        case late
        case tooLarge
        case watchEnded
    }

    static func sandbox(_ environment: [String: String], _ command: [String], _ tool: Toolchain) -> Sandbox {
        let platform = [
            "HOME": "/tmp", "TMPDIR": "/tmp", "PATH": Toolchain.path([tool]), "TZ": "UTC", "LANG": "C.UTF-8",
            "GOPATH": "/tmp/go",
        ]
        return Sandbox(
            mounts: tool.mounts, workingDirectory: "/build",
            environment: platform.merging(environment) { _, new in new },
            command: [tool.sandboxExecutable] + command.dropFirst(), temporaryBytes: 1 << 30,
            limits: ResourceLimits(
                memoryBytes: 3 << 30, cpus: 2, processes: 512, openFiles: 4096, fileBytes: 512 << 20))
    }

    /// - Throws: when it did not end by itself. How it ended is in the result.
    func run(by launcher: SandboxLauncher) async throws(BuildError) -> CapturedRun {
        let outcomes = await outcomes(of: launcher)
        if Task.isCancelled { throw .cancelled }
        var result: Result<CapturedRun, LaunchError>?
        for case .ended(let ended) in outcomes { result = ended }
        switch result {
        case .success(let run)?:
            let log = Self.readable(run.output)
            if case .late? = outcomes.first { throw .deadlineExceeded(seconds: deadlineSeconds, log: log) }
            guard await !launcher.onDisk({ folder.exceeds(quotaBytes) }) else {
                throw .failed(reason: "the build wrote more than \(quotaBytes >> 20) MB", log: log)
            }
            return run
        case .failure(let error)?: throw .unavailable(reason: error.description, nextStep: nil)
        case nil: throw .cancelled
        }
    }

    /// In the order in which they came about; the first ends what else runs.
    private func outcomes(of launcher: SandboxLauncher) async -> [Outcome] {
        let deadline = clock.now().advanced(by: .seconds(deadlineSeconds))
        return await withTaskGroup(of: Outcome.self) { group in
            group.addTask {
                do throws(LaunchError) {
                    return .ended(.success(try await launcher.run(sandbox, outputLimit: Self.logBytes)))
                } catch {
                    return .ended(.failure(error))
                }
            }
            group.addTask {
                do throws(CancellationError) {
                    try await clock.sleep(until: deadline)
                    return .late
                } catch {
                    return .watchEnded
                }
            }
            group.addTask { await watchQuota(launcher) }
            var outcomes: [Outcome] = []
            for await outcome in group {
                outcomes.append(outcome)
                group.cancelAll()
            }
            return outcomes
        }
    }

    /// The kernel has no quota for a directory, so somebody has to look; most builds end before the first time.
    private func watchQuota(_ launcher: SandboxLauncher) async -> Outcome {
        while true {
            do throws(CancellationError) {
                try await clock.sleep(until: clock.now().advanced(by: Self.lookInterval))
            } catch {
                return .watchEnded
            }
            if await launcher.onDisk({ folder.exceeds(quotaBytes) }) { return .tooLarge }
        }
    }

    /// The output as the person shall read it: Go's lines about packages go, its paths lose their `./`.
    static func readable(_ output: [UInt8]) -> String {
        String(decoding: output, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.hasPrefix("# ") }
            .map { $0.hasPrefix("./") ? $0.dropFirst(2) : $0 }
            .joined(separator: "\n")
    }
}
