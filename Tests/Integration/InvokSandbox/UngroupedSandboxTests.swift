import Glibc
import Invok
import InvokPOSIX
import Logging
import Testing

@testable import InvokSandbox

/// Sandboxes of a machine that lets the core use no control group.
@Suite struct UngroupedSandboxTests {
    @Test func saysWhatHoldsInPlaceOfControlGroups() async throws {
        let fixture = try Fixture(usesControlGroups: false)
        let warnings = try await fixture.engine.prepare()
        for word in ["looked at once a second", "RLIMIT_NPROC", "processor time is not limited"] {
            #expect(warnings.contains { $0.contains(word) }, "\(word)")
        }
        #expect(try await fixture.host.prepared().launcher.groups.hierarchies.isEmpty)
    }

    /// An old kernel, and neither root nor control groups.
    @Test func doesNotStartWhereNothingLimitsUnlessItIsToldTo() async throws {
        let machine = LimitEnforcement.Machine(hasOwnUsers: false, kernel: "4.4.0", showsUse: false)
        let careful = try Fixture(usesControlGroups: false, machine: machine)
        let error = await #expect(throws: EngineError.self) { try await careful.engine.prepare() }
        guard case .unavailable(let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        for word in ["memory and processes", "INVOK_ALLOW_UNLIMITED=1", "Delegate=yes"] {
            #expect(reason.contains(word), "\(word)")
        }
        let fixture = try Fixture(usesControlGroups: false, machine: machine, allowsUnlimited: true)
        let warnings = try await fixture.engine.prepare()
        for what in ["memory", "processes"] {
            #expect(warnings.contains("nothing limits functions' \(what), as INVOK_ALLOW_UNLIMITED=1 allows"))
        }
        let (lines, _) = try await fixture.runToEnd(
            "import resource; print(resource.getrlimit(resource.RLIMIT_DATA)[0])")
        #expect(lines == ["-1"])
    }

    /// Slowly, and no more than one process may map: nothing but the watch can tell.
    @Test func whatTakesTooMuchMemoryIsEnded() async throws {
        let fixture = try Fixture(usesControlGroups: false)
        let program = "import time\nkept = b'x' * (64 << 20)\nprint('took it', flush=True)\ntime.sleep(60)"
        let (lines, reason) = try await fixture.runToEnd(program, memoryMB: 32)
        #expect(lines == ["took it"])
        #expect(reason == "was killed: out of memory (the limit is 32 MB)")
    }

    /// Each of them takes less than its limit.
    @Test func processesCountTogether() async throws {
        let program = """
            import os, time
            for _ in range(4):
                if os.fork() == 0:
                    kept = b'x' * (16 << 20)
                    time.sleep(60)
            time.sleep(60)
            """
        let (_, reason) = try await Fixture(usesControlGroups: false).runToEnd(program, memoryMB: 48)
        #expect(reason == "was killed: out of memory (the limit is 48 MB)")
    }

    /// What forks share with their parent is there once, whatever the sum of what each has.
    @Test func whatForksShareCountsOnce() throws {
        let program = """
            import os, time
            kept = b'x' * (32 << 20)
            first = os.getpid()
            for _ in range(4):
                if os.getpid() == first: os.fork()
            if os.getpid() == first: os.write(1, b'.')
            time.sleep(60)
            """
        let output = try Descriptor.pipe()
        let nothing = try Descriptor.open("/dev/null", O_RDWR)
        let process = try spawn("/usr/bin/python3", ["-Ic", program], descriptors: [nothing, output.writing, nothing])
        defer {
            kill(-process, SIGKILL)
            waitpid(process, nil, 0)
        }
        try #require(output.reading.waitReadable(milliseconds: 30_000))
        let snapshot = ProcessSnapshot.take()
        let tree = snapshot.tree(of: process)
        #expect(tree.count == 5)
        #expect(tree.reduce(0) { $0 + snapshot.bytes(of: $1) } > 5 * 32 << 20)
        #expect(!MemoryWatch.isOver(process, 64 << 20, snapshot))
        #expect(MemoryWatch.isOver(process, 32 << 20, snapshot))
    }

    @Test func oneProcessMapsNoMoreThanItMay() async throws {
        let program = """
            kept = []
            try:
                while True: kept.append(b'x' * (1 << 20))
            except MemoryError:
                count = len(kept)
                kept = []
                print(count)
            """
        let (lines, reason) = try await Fixture(usesControlGroups: false).runToEnd(program, memoryMB: 64)
        #expect(reason == "exited with status 0")
        let count = try #require(lines.first.flatMap { Int($0) })
        // The slack of Go, whose name a test's programs have.
        #expect(count > 128 && count < 64 + 192)
    }

    @Test func makesNoMemoryThatNobodyCounts() async throws {
        let program = """
            for make in [lambda: os.memfd_create("x"), lambda: call(\(try #require(
                SeccompFilter.Architecture.native.number(of: "shmget"))), 0, 1 << 20, 0o600)]:
                attempt("make", make)
            """
        let (lines, _) = try await Fixture(usesControlGroups: false).runToEnd(HostileFunctionTests.prelude + program)
        #expect(lines == ["make refused EPERM", "make refused EPERM"])
    }

    @Test func cannotForkWithoutEnd() async throws {
        let program = """
            import time
            def bomb():
                for count in range(1000):
                    if os.fork() == 0:
                        time.sleep(60); os._exit(0)
            attempt("fork", bomb)
            print("processes", len([p for p in os.listdir("/proc") if p.isdigit()]))
            """
        let (lines, _) = try await Fixture(usesControlGroups: false).runToEnd(HostileFunctionTests.prelude + program)
        // The init is one of them.
        #expect(lines == ["fork refused EAGAIN", "processes 257"])
    }

    /// A whole function of each runtime: it answers, and ends once it takes all that it gets.
    @Test(.enabled(if: Fixture.toolchains[.go] != nil, "Go was not found: run ci/setup"), arguments: Runtime.allCases)
    func functionsRunAndEnd(runtime: Runtime) async throws {
        let fixture = try Fixture(usesControlGroups: false)
        let builder = SandboxFunctionBuilder(host: fixture.host, logger: Logger(label: "test"))
        let (source, artifact) = try SandboxFunctionBuilderTests.source(runtime, changing: Self.greedy(runtime))
        let result = try await builder.build(source, artifact: artifact, of: Fixture.namespace)
        let base = try fixture.spec(result.bundle, memoryMB: 128)
        let spec = InstanceSpec(
            id: base.id, version: base.version,
            settings: VersionSettings(runtime: runtime, environment: .empty, limits: base.settings.limits),
            bundle: result.bundle)
        let exits = fixture.engine.exits()
        let running = try await fixture.engine.start(spec)
        let answer = try await within("an answer") { try await get("/hello", from: running.endpoint) }
        #expect(answer.contains("fine"))
        // It gets no answer to this.
        let end = try await within("it ends") {
            async let call = try? get("/hello/all", from: running.endpoint)
            let end = await exits.first { $0.id == spec.id }
            _ = await call
            return end
        }
        print("a \(runtime) function that takes all memory \(end?.reason ?? "")")
        #expect(end != nil)
    }

    /// A function that keeps all the memory that it can get when it is asked to.
    private static func greedy(_ runtime: Runtime) -> [String: String] {
        switch runtime {
        case .go:
            [
                "function.go": """
                package main

                import (
                	"bytes"
                	"fmt"
                	"net/http"
                	"strings"
                )

                var kept [][]byte

                func HelloHandler(w http.ResponseWriter, r *http.Request) {
                	for strings.HasSuffix(r.URL.Path, "/all") {
                		kept = append(kept, bytes.Repeat([]byte{1}, 1<<20))
                	}
                	fmt.Fprint(w, "fine")
                }
                """
            ]
        case .python:
            [
                "function.py": """
                kept = []

                def handler(request):
                    while request.path.endswith("/all"):
                        kept.append(b"x" * (1 << 20))
                    return "fine"
                """
            ]
        case .nodejs:
            [
                "function.js": """
                const kept = [];

                export default async (request) => {
                  while (request.url.endsWith("/all")) kept.push(Buffer.alloc(1 << 20, 1));
                  return new Response("fine");
                };
                """
            ]
        }
    }

    /// On the kernel's own files: a group of version 2 that a process is in, and leaves for the leaf.
    @Test(.enabled(if: Self.groupOfVersionTwo != nil, "this machine has no control groups of version 2 to write to"))
    func aCoreMovesIntoALeafOfItsGroup() throws {
        let group = try #require(Self.groupOfVersionTwo) + "/invok-test-\(getpid())"
        try Files.makeDirectory(group, mode: 0o755)
        defer { rmdir(group) }
        let nothing = try Descriptor.open("/dev/null", O_RDWR)
        let process = try spawn("/usr/bin/sleep", ["600"], descriptors: [nothing])
        try Files.put("\(process)", into: group + "/cgroup.procs")
        let membership = {
            (Files.text("/proc/\(process)/cgroup") ?? "").split(separator: "\n").first { $0.hasPrefix("0::") } ?? ""
        }
        #expect(membership().hasSuffix("/invok-test-\(getpid())"))
        #expect(CoreGroup.move(process, into: group))
        #expect(membership().hasSuffix("/invok-test-\(getpid())/core.invok"))
        #expect(Files.text(group + "/cgroup.procs") == "", "the group itself is free to hand on controllers")
        CoreGroup.undo(in: group, process: process)
        #expect(membership().hasSuffix("/invok-test-\(getpid())"))
        #expect(!Files.exists(group + "/core.invok"))
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
    }

    private static let groupOfVersionTwo = ControlGroups.parse(mounts: Files.text("/proc/self/mounts") ?? "")
        .first { $0.version == .two && access($0.path + "/cgroup.procs", W_OK) == 0 }?.path
}
