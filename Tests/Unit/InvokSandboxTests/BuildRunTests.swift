import Glibc
import Invok
import InvokLocal
import InvokRuntimes
import Logging
import Testing

@testable import InvokHost
@testable import InvokSandbox

@Suite struct BuildRunTests {
    private func run(
        _ fixture: Fixture, _ program: String, quotaBytes: Int = 1 << 30
    ) async throws -> CapturedRun {
        let python = try #require(Fixture.toolchains[.python3]).forBuilds
        _ = try await fixture.host.prepared()
        let folder = BuildFolder(path: "\(fixture.host.bundlesDirectory)/.tmp-test")
        try folder.stage([:])
        var isolation = BuildRun.isolation([:], ["python3", "-c", program], python)
        isolation.mounts += folder.mounts(for: .everything)
        var run = BuildRun(isolation: isolation, tool: python, folder: folder, deadlineSeconds: 60)
        run.quotaBytes = quotaBytes
        return try await run.run(in: fixture.host)
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
