import Foundation
import Invok
import InvokBuild
import InvokEmbedded
import InvokPOSIX
import InvokRuntimes
import InvokSandbox
import Logging
import TestSupport
import Testing

@testable import InvokDocker

/// Builds that run code of the project, as none should any more: whatever it does, the core gets files and folders or a
/// sentence, and its disk, its descriptors and its processes are afterwards what they were.
@Suite(.timeLimit(.minutes(10)))
struct BuildTests {
    enum Engine: String, CaseIterable, Sendable {
        case sandbox
        case docker

        static let selected = allCases.filter { $0 == .sandbox || Services.areSelected }
    }

    /// What a build of each engine has for its disk here.
    private static let workBytes = 64 << 20

    private static let prelude = """
        import os, signal, sys, time
        os.chdir("/build")

        """

    // MARK: Disk

    /// The review's `py_compile_quota.py`, for a disk of this size.
    @Test(arguments: Engine.selected, [#"b"\xff""#, #"b"plain""#])
    func theKernelLimitsTheDiskUnderAnyName(engine: Engine, name: String) async throws {
        let outcome = try await build(
            on: engine,
            """
            os.mkdir(\(name))
            try:
                for n in range(1000):
                    fd = os.open(\(name) + b"/%d" % n, os.O_WRONLY | os.O_CREAT, 0o644)
                    os.posix_fallocate(fd, 0, 8 << 20)
            except OSError as error:
                print("stopped", n, error)
            sys.exit(1)
            """)
        #expect(outcome.reason == "the build filled its disk, of which it may have 64 MB", "\(outcome)")
        #expect(outcome.log.contains("stopped 7 ") || outcome.log.contains("stopped 8 "), "\(outcome.log)")
    }

    /// Holes cost the build nothing, and would cost the core's disk.
    @Test(arguments: Engine.selected) func holesCount(engine: Engine) async throws {
        let outcome = try await build(
            on: engine, "for n in range(3): os.truncate(os.open(f'{n}', os.O_WRONLY | os.O_CREAT), 40 << 20)")
        #expect(outcome.reason == "the build left more than the 64 MB that a bundle may have", "\(outcome)")
    }

    // MARK: Names and kinds

    @Test(arguments: Engine.selected) func aTreeOfAnyDepthIsRefused(engine: Engine) async throws {
        let outcome = try await build(
            on: engine,
            """
            for n in range(3000):
                os.mkdir("d" * 10); os.chdir("d" * 10)
            """)
        #expect(outcome.reason?.hasSuffix("whose path is too long or too deep") == true, "\(outcome)")
    }

    @Test(arguments: Engine.selected, [#"b"\xff\xfe""#, #"b"a\n""#, #"b"\x1b[1m""#, #"b"\xc3""#])
    func aNameOfAnyBytesIsRefused(engine: Engine, name: String) async throws {
        let outcome = try await build(on: engine, "os.mkdir(\(name)); open(\(name) + b'/x', 'wb').write(b'x')")
        #expect(outcome.reason?.hasPrefix("the build left '") == true, "\(outcome)")
    }

    @Test(
        arguments: Engine.selected,
        [
            "os.symlink('/etc/passwd', 'x')", "os.mkfifo('x')", "open('x', 'w'); os.link('x', 'y')",
        ])
    func onlyFilesAndFoldersComeOut(engine: Engine, attack: String) async throws {
        let outcome = try await build(on: engine, attack)
        #expect(outcome.reason?.hasSuffix("a bundle has files and folders only") == true, "\(outcome)")
    }

    // MARK: What runs on

    /// It ends before anything is read, so that nothing changes under the reader.
    @Test(arguments: Engine.selected) func nobodySwapsAFileForALinkMeanwhile(engine: Engine) async throws {
        let outcome = try await build(
            on: engine,
            """
            open("kept", "w").write("mine")
            if os.fork() == 0:
                os.setsid()
                while True:
                    os.symlink("/etc/passwd", "new"); os.rename("new", "swapped")
                    with open("new", "w") as file: file.write("mine")
                    os.rename("new", "swapped")
            time.sleep(0.5)
            """)
        if let reason = outcome.reason {
            #expect(reason.hasSuffix("which is a link; a bundle has files and folders only"), "\(outcome)")
        } else {
            #expect(outcome.files["kept"] == "mine" && ["mine", ""].contains(outcome.files["swapped"]), "\(outcome)")
        }
    }

    @Test(arguments: Engine.selected) func aForkBombEndsWithItsBuild(engine: Engine) async throws {
        let mark = "bomb-\(UUID())"
        let outcome = try await build(
            on: engine,
            """
            mark = "\(mark)"
            open("kept", "w").write("mine")
            sys.stderr.close()
            os.close(1)
            if os.fork() == 0:
                os.setsid()
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                while True:
                    try: os.fork()
                    except OSError: pass
            time.sleep(1)
            os._exit(0)
            """)
        #expect(outcome.reason == nil && outcome.files["kept"] == "mine", "\(outcome)")
        try await eventually("none of its processes is left") { try Self.processes(with: mark) == 0 }
    }

    /// Whoever ends Invok's own step, or writes in its place, has no result.
    @Test(
        arguments: Engine.selected,
        [
            "os.kill(os.getppid(), 9); time.sleep(60)",
            """
            out = os.open(f"/proc/{os.getppid()}/fd/1", os.O_WRONLY)
            os.kill(os.getppid(), signal.SIGSTOP)
            while True: os.write(out, bytes(1 << 16))
            """,
            """
            out = os.open(f"/proc/{os.getppid()}/fd/1", os.O_WRONLY)
            while True: os.write(out, b"x" * (1 << 16))
            """,
        ])
    func nobodyTakesThePlaceOfInvoksStep(engine: Engine, attack: String) async throws {
        let outcome = try await build(on: engine, attack)
        #expect(outcome.reason != nil && outcome.files.isEmpty, "\(outcome)")
    }

    // MARK: Secrets

    @Test(arguments: Engine.selected)
    func aBuildHasItsSecretsAndNothingThatIsKeptHasThem(engine: Engine) async throws {
        let secrets = [try SecretName("BUILD_TOKEN"): try SecretValue("planted-77ab")]
        let seen = try await build(
            on: engine, "assert os.environ['BUILD_TOKEN'][::-1] == 'ba77-detnalp'; open('kept', 'w').write('fine')",
            secrets)
        #expect(seen.reason == nil && seen.files == ["kept": "fine"], "\(seen)")
        // And what belongs to builds still does.
        let others = try await build(
            on: engine, "assert 'BUILD_TOKEN' not in os.environ and os.environ['TMPDIR'] == '/tmp'")
        #expect(others.reason == nil, "\(others)")
        let left = try await build(
            on: engine,
            "os.makedirs('a/b'); open('a/b/c', 'wb').write(b'x' * 70000 + os.environ['BUILD_TOKEN'].encode() + b'y')",
            secrets)
        #expect(left.reason?.contains("left the secret 'BUILD_TOKEN' in 'a/b/c'") == true, "\(left)")
    }

    // MARK: A build

    private struct Outcome: CustomStringConvertible {
        var reason: String?
        var log = ""
        var files: [String: String] = [:]

        var description: String { "\(reason ?? "built") \(files) \(log)" }
    }

    /// Runs the program as a build, and looks at what it cost the core.
    private func build(
        on engine: Engine, _ program: String, _ secrets: [SecretName: SecretValue] = [:]
    ) async throws -> Outcome {
        switch engine {
        case .docker: return try await DockerFixture.with { try await measured(in: $0.host, program, secrets) }
        case .sandbox:
            let folder = NSTemporaryDirectory() + "invok-builds-\(UUID().uuidString.prefix(8))"
            defer { try? Files.removeTree(folder) }
            let environment = ProcessInfo.processInfo.environment
            let host = SandboxHost(
                dataDirectory: folder, cacheDirectory: folder + "/cache",
                toolchains: Toolchains.discover(environment: environment), clock: SystemClock())
            do {
                let outcome = try await measured(in: host, program, secrets)
                await host.close()
                return outcome
            } catch {
                await host.close()
                throw error
            }
        }
    }

    private func measured(
        in place: any BuildPlace, _ program: String, _ secrets: [SecretName: SecretValue]
    ) async throws -> Outcome {
        let tool = try await place.tool("python3")
        let descriptors = try Self.descriptors()
        var folder = BuildFolder(path: place.bundlesDirectory + "/.tmp-1")
        folder.workBytes = Self.workBytes
        try folder.stage([:])
        let outcome = await outcome(of: Self.prelude + program, folder, tool, place, secrets)
        // What was received until it was refused; nothing of it is left below.
        #expect(Files.usedBytes(below: place.bundlesDirectory) <= Self.workBytes)
        // Other tests run at the same time, and have some.
        #expect(try Self.descriptors() < descriptors + 200)
        try place.quarantine.remove(folder.path)
        #expect(Files.names(in: place.bundlesDirectory).isEmpty && place.quarantine.count == 0)
        return outcome
    }

    private func outcome(
        of program: String, _ folder: BuildFolder, _ tool: BuildTool, _ place: any BuildPlace,
        _ secrets: [SecretName: SecretValue]
    ) async -> Outcome {
        var isolation = BuildRun.isolation([:], ["python3", "-I", "-c", program], tool)
        folder.offer(to: &isolation, keeping: .everything)
        let receiver = folder.receiver()
        do throws(BuildError) {
            let run = try await BuildRun(
                isolation: isolation, tool: tool, receiver: receiver, deadlineSeconds: 60,
                context: BuildContext(secrets: secrets)
            ).run(in: place)
            var outcome = Outcome(log: run.text)
            if run.status.code != 0 {
                outcome.reason = "status \(run.status.code)"
            } else if let failure = receiver.finish() {
                outcome.reason = "\(failure)"
            } else {
                let bundle = folder.path + "/bundle"
                try await BuildRun.check(bundle, BuildContext(secrets: secrets), log: run.text, in: place)
                for name in Files.names(in: bundle) { outcome.files[name] = Files.text("\(bundle)/\(name)") }
            }
            return outcome
        } catch {
            switch error {
            case .failed(let reason, let log): return Outcome(reason: reason, log: log)
            default: return Outcome(reason: "\(error)")
            }
        }
    }

    /// This process's, but for connections of the network: a build has none, and other tests have thousands for a while.
    private static func descriptors() throws -> Int {
        let manager = FileManager.default
        let targets = try manager.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
            try? manager.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
        }
        let connections = Set(
            ["tcp", "tcp6"].flatMap { (Files.text("/proc/self/net/\($0)") ?? "").split(separator: "\n") }
                .compactMap { line in line.split(separator: " ").dropFirst(9).first.map { "socket:[\($0)]" } })
        return targets.count { !connections.contains($0) }
    }

    /// Processes of this machine, in whatever namespace.
    private static func processes(with mark: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { name in
            guard Int(name) != nil, let line = FileManager.default.contents(atPath: "/proc/\(name)/cmdline") else {
                return false
            }
            return String(decoding: line, as: UTF8.self).contains("mark = \"\(mark)")
        }.count
    }
}
