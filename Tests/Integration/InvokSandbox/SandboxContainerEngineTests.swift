import Glibc
import Invok
import InvokPOSIX
import Logging
import Testing

@testable import InvokSandbox

@Suite struct SandboxContainerEngineTests {
    @Test func preparesAndSaysWhatItCannotEnforce() async throws {
        let fixture = try Fixture()
        let warnings = try await fixture.engine.prepare()
        for warning in warnings { print("not enforced on this machine: \(warning)") }
        #expect(geteuid() != 0 || !warnings.contains { $0.contains("user namespace") })
    }

    @Test func answersThroughItsSocketWithItsEnvironment() async throws {
        let fixture = try Fixture()
        let program = pythonServer + "serve(lambda path: path + ' ' + os.environ['GREETING'] + ' ' + os.getcwd())"
        let spec = try fixture.spec(try fixture.bundle(program), environment: ["GREETING": "a 'b' $c\n\"d\""])
        let running = try await fixture.engine.start(spec)
        #expect(try await fixture.engine.list() == [running])
        let answer = try await within("an answer") { try await get("/hello", from: running.endpoint) }
        #expect(answer == "/hello a 'b' $c\n\"d\" /bundle")
        await fixture.engine.stop(spec.id, grace: .seconds(5))
        #expect(try await fixture.engine.list().isEmpty)
        await #expect(throws: (any Error).self) { try await get("/hello", from: running.endpoint) }
    }

    @Test func tellsWhyAnInstanceEnded() async throws {
        #expect(try await Fixture().runToEnd("import sys; sys.exit(7)").reason == "exited with status 7")
        #expect(
            try await Fixture().runToEnd("import os; os.kill(os.getpid(), 11)").reason
                == "was killed by SIGSEGV (bad memory access)")
    }

    @Test func stopReachesTheFunctionAndLeavesNothing() async throws {
        let fixture = try Fixture()
        let program =
            pythonServer + """
                def end(*_):
                    print("ending", flush=True); sys.exit(0)
                signal.signal(signal.SIGTERM, end)
                print("ready", flush=True)
                serve(lambda path: "")
                """
        let spec = try fixture.spec(try fixture.bundle(program))
        _ = try await fixture.engine.start(spec)
        try await fixture.logs.waitFor("ready")
        // A second one at the same time is fine.
        async let other: Void = fixture.engine.stop(spec.id, grace: .seconds(30))
        await fixture.engine.stop(spec.id, grace: .seconds(30))
        await other
        #expect(fixture.logs.texts(.stdout) == ["ready", "ending"])
        #expect(Files.names(in: fixture.host.runDirectory) == ["etc", "etc-network"])
        for hierarchy in try await fixture.host.prepared().launcher.groups.hierarchies {
            #expect(
                !Files.names(in: hierarchy.directory).contains { Files.isDirectory(hierarchy.directory + "/" + $0) })
        }
        await fixture.engine.stop(spec.id, grace: .seconds(30))
    }

    @Test func stopEndsWhatDoesNotListen() async throws {
        let fixture = try Fixture()
        let spec = try fixture.spec(
            try fixture.bundle(
                "import signal\nsignal.signal(15, lambda *_: None)\nprint('deaf', flush=True)\nwhile True: signal.pause()"
            ))
        _ = try await fixture.engine.start(spec)
        try await fixture.logs.waitFor("deaf")
        try await within("stop ends it") { await fixture.engine.stop(spec.id, grace: .milliseconds(50)) }
        #expect(try await fixture.engine.list().isEmpty)
    }

    @Test func stopDuringStart() async throws {
        let fixture = try Fixture()
        let engine = fixture.engine
        _ = try await engine.prepare()
        for ordinal in 1...5 as ClosedRange<UInt32> {
            let spec = try fixture.spec(try fixture.bundle(pythonServer + "serve(str)"), ordinal: ordinal)
            let starting = Task { try await engine.start(spec) }
            await engine.stop(spec.id, grace: .zero)
            _ = await starting.result
            await engine.stop(spec.id, grace: .zero)
        }
        #expect(try await engine.list().isEmpty)
    }

    @Test func countsWhatAFloodLeavesOutAndKeepsItsEnd() async throws {
        let fixture = try Fixture()
        let (lines, _) = try await fixture.runToEnd(
            "import sys\nfor n in range(40000): sys.stdout.write('x' * 99 + '\\n')\nsys.stdout.write('the end')")
        #expect(lines.count < 40_000 && lines.last == "the end")
        let pattern = /([0-9,]+) lines? left out/
        let missing = fixture.logs.texts(.platform).compactMap { text in
            text.firstMatch(of: pattern).flatMap { Int($0.output.1.filter { $0 != "," }) }
        }
        #expect(lines.count + missing.reduce(0, +) == 40_001)
    }

    @Test func keepsLongLinesWholeAndSaysByHowMuchOthersAreCut() async throws {
        let fixture = try Fixture()
        let (lines, _) = try await fixture.runToEnd("print('x' * 262144)\nprint('y' * 300000)")
        #expect(lines.map { $0.utf8.count }[0] == 262_144)
        #expect(lines.last?.hasSuffix("y … [37,856 bytes cut]") == true)
    }

    /// What has no line end is there all the same while the instance runs, and so is the end of a flood.
    @Test func whatWaitsIsThereSoonThoughNothingFollows() async throws {
        let fixture = try Fixture()
        let spec = try fixture.spec(
            try fixture.bundle(
                pythonServer
                    + "print('x\\n' * 50000 + 'the end', flush=True)\nprint('no end', end='', flush=True)\nserve(str)"))
        _ = try await fixture.engine.start(spec)
        try await fixture.logs.waitFor("the end")
        try await fixture.logs.waitFor("no end")
        #expect(fixture.logs.texts(.platform).contains { $0.contains("lines left out") })
        await fixture.engine.stop(spec.id, grace: .zero)
    }

    /// A prompt, or the dots of what goes on.
    @Test func whatEndsNoLineIsWrittenAllTheSame() async throws {
        let fixture = try Fixture()
        let spec = try fixture.spec(
            try fixture.bundle(
                "import signal, sys\nsys.stdout.write('whole\\nno end')\nsys.stdout.flush()\nsignal.pause()"))
        _ = try await fixture.engine.start(spec)
        try await fixture.logs.waitFor("no end")
        await fixture.engine.stop(spec.id, grace: .zero)
        #expect(fixture.logs.texts(.stdout) == ["whole", "no end"])
    }

    @Test func missingBubblewrapSaysHowToInstallIt() async throws {
        let fixture = try Fixture()
        let host = SandboxHost(
            dataDirectory: fixture.directory, cacheDirectory: Fixture.cacheDirectory,
            toolchains: Fixture.toolchains, clock: fixture.host.clock, bubblewrap: "/nonexistent/bwrap")
        let engine = SandboxContainerEngine(host: host, logs: fixture.logs, logger: .init(label: "test"))
        await #expect(
            throws: EngineError.unavailable(
                "bubblewrap (bwrap) is not installed; install it with 'apt-get install bubblewrap'")
        ) { try await engine.prepare() }
    }

    /// Prints how long it takes from `start` to the first answer; a figure to watch, with a bound that only a fault
    /// passes.
    @Test func startsFast() async throws {
        let fixture = try Fixture()
        _ = try await fixture.engine.prepare()
        let program = pythonServer + "serve(lambda path: path)"
        var times: [Duration] = []
        for ordinal in 1...10 as ClosedRange<UInt32> {
            let spec = try fixture.spec(try fixture.bundle(program), ordinal: ordinal)
            let began = ContinuousClock.now
            let running = try await fixture.engine.start(spec)
            _ = try await get("/", from: running.endpoint)
            times.append(ContinuousClock.now - began)
            await fixture.engine.stop(spec.id, grace: .zero)
        }
        times.sort()
        print("from start to the first answer of a Python function: median \(times[5]), best \(times[0])")
        #expect(times[0] < .seconds(5))
    }
}
