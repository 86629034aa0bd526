import Glibc
import Invok
import InvokLocal
import InvokRuntimes
import Logging
import Testing

@testable import InvokSandbox

@Suite struct BuildRunTests {
    private func run(
        _ fixture: Fixture, _ program: String, quotaBytes: Int = 1 << 30
    ) async throws -> CapturedRun {
        let python = try #require(Fixture.toolchains[.python3])
        let launcher = try await fixture.host.prepared().launcher
        let folder = BuildFolder(path: "\(fixture.host.bundlesDirectory)/.tmp-test")
        try folder.stage([:])
        var sandbox = BuildRun.sandbox([:], ["python3", "-c", program], python)
        sandbox.mounts += folder.mounts(for: .everything)
        var run = BuildRun(sandbox: sandbox, folder: folder, deadlineSeconds: 60, clock: SystemClock())
        run.quotaBytes = quotaBytes
        return try await run.run(by: launcher)
    }

    @Test(arguments: [
        "import itertools\nfor n in itertools.count(): open(f'{n}', 'wb').write(bytes(1 << 16))",
        "import itertools, os\nfor n in itertools.count(): os.mkdir(f'{n}')",
        "open('large', 'wb').write(bytes(12 << 20))",
    ])
    func aBuildThatFillsItsFolderIsEnded(program: String) async throws {
        let fixture = try Fixture()
        await #expect(throws: BuildError.failed(reason: "the build wrote more than 8 MB", log: "")) {
            _ = try await run(fixture, program, quotaBytes: 8 << 20)
        }
    }

    @Test func keepsWithinTheQuota() async throws {
        let run = try await run(
            try Fixture(), "open('x', 'wb').write(bytes(4 << 20)); print('done')", quotaBytes: 8 << 20)
        #expect(run.text == "done\n")
    }
}
