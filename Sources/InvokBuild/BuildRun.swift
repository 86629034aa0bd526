import Invok
import InvokConcurrency
import InvokPOSIX
import InvokRuntimes
import Synchronization

/// One command of a build, isolated, until it ends or its time is over.
package struct BuildRun: Sendable {
    package let isolation: Isolation
    package let tool: BuildTool
    /// Takes what the command leaves; `nil` where nothing is kept.
    package var receiver: BundleReceiver?
    /// The longest that the command may run.
    package let deadlineSeconds: Int
    package let context: BuildContext

    private static let logBytes = 64 * 1024

    private enum Outcome: Sendable {
        case ended(Result<CapturedRun, BuildError>)
        case late
        case watchEnded
    }

    package init(
        isolation: Isolation, tool: BuildTool, receiver: BundleReceiver? = nil, deadlineSeconds: Int,
        context: BuildContext = BuildContext()
    ) {
        self.context = context
        var isolation = isolation
        isolation.secretEnvironment = Dictionary(
            uniqueKeysWithValues: context.secrets.map { ($0.key.description, $0.value.text) })
        self.isolation = isolation
        self.tool = tool
        self.receiver = receiver
        self.deadlineSeconds = deadlineSeconds
    }

    package static func isolation(
        _ environment: [String: String], _ command: [String], _ tool: BuildTool
    ) -> Isolation {
        let platform = ["HOME": "/tmp", "TMPDIR": "/tmp", "TZ": "UTC", "LANG": "C.UTF-8", "GOPATH": "/tmp/go"]
        return Isolation(
            mounts: tool.mounts, workingDirectory: "/",
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
            if let failure = receiver?.failure { throw Self.error(failure, log: log) }
            if run.status.code != 0, run.outOfMemoryKills == 0, let reason = fullDiskReason(log) {
                throw .failed(reason: reason, log: log)
            }
            return run
        case .failure(let error)?: throw error
        case nil: throw .cancelled
        }
    }

    /// In the order in which they came about; the first ends what else runs.
    private func outcomes(in place: any BuildPlace) async -> [Outcome] {
        let began = OneShot<Void>()
        let lines = LiveLines(context)
        defer { lines.finish() }
        return await withTaskGroup(of: Outcome.self) { group in
            group.addTask {
                // Also where it never did: somebody waits.
                defer { began.signal() }
                do throws(BuildError) {
                    return .ended(
                        .success(
                            try await place.run(
                                isolation, with: tool, outputLimit: Self.logBytes,
                                output: { lines.take($0) },
                                result: { receiver?.receive($0) ?? true }, began: { began.signal() })))
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
            var outcomes: [Outcome] = []
            for await outcome in group {
                outcomes.append(outcome)
                group.cancelAll()
            }
            return outcomes
        }
    }

    /// Why a build whose folder is full has failed; `nil` when that is not why. The kernel tells the command alone, so this
    /// goes by what that said of it.
    private func fullDiskReason(_ log: String) -> String? {
        guard let folder = isolation.temporaryFolders.first(where: { $0.path == BuildStep.work }),
            log.contains("No space left on device") || log.contains("ENOSPC")
        else { return nil }
        return "the build filled its disk, of which it may have \(folder.bytes >> 20) MB"
    }

    /// Sees that nothing that is kept has a secret of the build in it.
    /// - Parameter folder: of what is kept.
    package static func check(
        _ folder: String, _ context: BuildContext, log: String, in place: any BuildPlace
    ) async throws(BuildError) {
        guard !context.secrets.isEmpty else { return }
        let found: (name: SecretName, path: String)?
        do throws(SystemError) {
            found = try await place.disk.run { () throws(SystemError) in
                try BundleSecrets.find(context.secrets, below: folder)
            }
        } catch {
            throw BuildError(writing: error)
        }
        if let found {
            throw .failed(
                reason:
                    "the build left the secret '\(found.name)' in '\(found.path)', which would be part of the function",
                log: log)
        }
    }

    static func error(_ failure: BundleReceiver.Failure, log: String) -> BuildError {
        switch failure {
        case .refused(let reason): .failed(reason: reason, log: log)
        case .system(let error): BuildError(writing: error)
        }
    }

    /// The output as the person shall read it: Go's lines about packages go, its paths lose their `./`, and nothing in it
    /// steers a terminal.
    package static func readable(_ output: [UInt8]) -> String {
        PlainText.escaped(String(decoding: output, as: UTF8.self)).split(
            separator: "\n", omittingEmptySubsequences: false
        ).compactMap(readable(line:)).joined(separator: "\n")
    }

    /// - Returns: `nil` for a line that is left out.
    fileprivate static func readable(line: Substring) -> String? {
        line.hasPrefix("# ") ? nil : String(line.hasPrefix("./") ? line.dropFirst(2) : line)
    }
}

/// Hands on what a command prints as lines, each as soon as it is whole.
private final class LiveLines: Sendable {
    private let splitter = Mutex(LineSplitter())
    private let context: BuildContext

    init(_ context: BuildContext) { self.context = context }

    func take(_ bytes: ArraySlice<UInt8>) { hand(splitter.withLock { $0.append(bytes) }) }

    func finish() { hand(splitter.withLock { [$0.finish()].compactMap(\.self) }) }

    private func hand(_ lines: [String]) {
        for line in lines { BuildRun.readable(line: PlainText.escaped(line)[...]).map(context.onLine) }
    }
}

extension BuildError {
    init(writing error: SystemError) {
        self = error.isFull ? .full : .unavailable(reason: "the bundle cannot be written: \(error)", nextStep: nil)
    }

    init(_ error: CopyError<SystemError>) {
        switch error {
        case .source(let error): self.init(reading: error)
        case .destination(let error): self.init(writing: error)
        }
    }
}
