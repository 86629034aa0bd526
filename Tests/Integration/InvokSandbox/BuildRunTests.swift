import Glibc
import Invok
import InvokBuild
import InvokEmbedded
import InvokPOSIX
import InvokRuntimes
import Logging
import Testing

@testable import InvokSandbox

@Suite struct BuildRunTests {
    /// - Returns: how it ended, and the folder that has what it left.
    private func run(
        _ fixture: Fixture, _ program: String, workBytes: Int
    ) async throws -> (run: CapturedRun, result: String) {
        let python = try #require(Fixture.toolchains[.python3]).forBuilds
        _ = try await fixture.host.prepared()
        var folder = BuildFolder(path: "\(fixture.host.bundlesDirectory)/.tmp-test")
        folder.workBytes = workBytes
        try folder.stage(["given": [1]])
        var isolation = BuildRun.isolation([:], ["python3", "-c", program], python)
        folder.offer(to: &isolation, keeping: .everything)
        let receiver = folder.receiver()
        let run = try await BuildRun(isolation: isolation, tool: python, receiver: receiver, deadlineSeconds: 60)
            .run(in: fixture.host)
        #expect(receiver.finish() == nil)
        let destination = "\(fixture.host.bundlesDirectory)/test"
        try folder.publish(as: destination)
        return (run, destination)
    }

    @Test(arguments: [
        "import itertools\nfor n in itertools.count(): open(f'{n}', 'wb').write(bytes(1 << 16))",
        "open('large', 'wb').write(bytes(12 << 20))",
        "import os; os.posix_fallocate(os.open('large', os.O_CREAT | os.O_WRONLY), 0, 12 << 20)",
    ])
    func aBuildThatFillsItsDiskIsToldSo(program: String) async throws {
        let fixture = try Fixture()
        let error = await #expect(throws: BuildError.self) { _ = try await run(fixture, program, workBytes: 8 << 20) }
        guard case .failed("the build filled its disk, of which it may have 8 MB", let log)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(log.contains("No space left on device"))
    }

    @Test func whatItLeavesComesOut() async throws {
        let fixture = try Fixture()
        let (run, result) = try await run(
            fixture, "open('x', 'wb').write(bytes(4 << 20)); print('done')", workBytes: 8 << 20)
        #expect(run.text == "done\n")
        #expect(Files.names(in: result) == ["given", "x"])
        #expect(Files.read(result + "/x", limit: 8 << 20)?.count == 4 << 20)
    }
}
