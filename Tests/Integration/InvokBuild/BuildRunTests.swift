import Glibc
import Invok
import InvokBuild
import InvokPOSIX
import InvokRuntimes
import Logging
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct BuildRunTests {
    /// A place that is busy takes its time until a build runs, and that is not the build's.
    @Test func theDeadlineBeginsWhenTheCommandRuns() async throws {
        let place = BusyPlace(busySeconds: 60)
        let run = BuildRun(
            isolation: BuildRun.isolation([:], ["tool"], BusyPlace.tool), tool: BusyPlace.tool, deadlineSeconds: 5)
        await #expect(throws: BuildError.deadlineExceeded(seconds: 5, log: "begins\n")) { try await run.run(in: place) }
    }

    @Test func whatItPrintsIsReadLineByLine() async throws {
        let lines = Mutex<[String]>([])
        let context = BuildContext { line in lines.withLock { $0.append(line) } }
        let run = BuildRun(
            isolation: BuildRun.isolation([:], ["tool"], BusyPlace.tool), tool: BusyPlace.tool, deadlineSeconds: 5,
            context: context)
        await #expect(throws: BuildError.self) { try await run.run(in: BusyPlace(busySeconds: 1)) }
        #expect(lines.withLock { $0 } == [#"function.go:1: \x1B[1mbad"#, "rest"])
    }

    @Test func aBuildThatCannotBeginFailsAtOnce() async throws {
        let place = BusyPlace(busySeconds: 60, failure: .full)
        let run = BuildRun(
            isolation: BuildRun.isolation([:], ["tool"], BusyPlace.tool), tool: BusyPlace.tool, deadlineSeconds: 5)
        await #expect(throws: BuildError.full) { try await run.run(in: place) }
    }
}

/// Lets a command begin late, and runs it until it is ended. Its time passes by being waited for.
private struct BusyPlace: BuildPlace {
    static let tool = BuildTool(name: "tool", executable: "tool", identity: "1")

    let bundlesDirectory = "/nowhere"
    let cacheDirectory = "/nowhere"
    let time = WaitedTime()
    let disk = WorkerPool(threads: 1)
    let busySeconds: Int
    var failure: BuildError?

    var clock: any Clock { time }
    var quarantine: Quarantine {
        Quarantine(directory: "/nowhere", threads: disk, logger: Logger(label: "test"))
    }

    let registries: (any BuildRegistries)? = nil

    func tool(_ name: String) async throws(BuildError) -> BuildTool { Self.tool }
    func installInit(in folder: String) throws(SystemError) -> String {
        throw SystemError("install", folder, code: ENOSYS)
    }

    func run(
        _ isolation: Isolation, with tool: BuildTool, outputLimit: Int,
        output: @escaping @Sendable (ArraySlice<UInt8>) -> Void,
        result: @escaping @Sendable (ArraySlice<UInt8>) -> Bool, began: @escaping @Sendable () -> Void
    ) async throws(BuildError) -> CapturedRun {
        let free = Instant(nanoseconds: 0).advanced(by: .seconds(busySeconds))
        try? await time.sleep(until: free)
        if let failure { throw failure }
        let kept = Task.isCancelled ? "" : "begins\n"
        began()
        // In pieces, as a pipe gives them.
        for piece in ["# package\n./fun", "ction.go:1: \u{1B}[1mbad", "\nrest"] { output(Array(piece.utf8)[...]) }
        while !Task.isCancelled { await Task.yield() }
        return CapturedRun(status: ExitStatus(code: 137), output: Array(kept.utf8), outOfMemoryKills: 0)
    }
}

private final class WaitedTime: Clock {
    private let time = Mutex(Instant(nanoseconds: 0))

    func now() -> Instant { time.withLock { $0 } }
    func wallTime() -> Timestamp { Timestamp(millisecondsSinceEpoch: 0) }

    func sleep(until deadline: Instant) async throws(CancellationError) {
        await Task.yield()
        if Task.isCancelled { throw CancellationError() }
        time.withLock { $0 = max($0, deadline) }
    }
}
