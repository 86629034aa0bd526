import Foundation
import Invok
import InvokBuild
import InvokPOSIX
import InvokRuntimes
import TestSupport
import Testing

@testable import InvokDocker

/// What a function and a build try against their container, and what becomes of it.
@Suite(.enabled(if: Services.areSelected), .timeLimit(.minutes(5)))
struct DockerHostileTests {
    /// Each attempt gives its name and `refused`, with the error, or what it got.
    private static let prelude = """
        import ctypes, errno, os, resource, socket, sys, time
        libc = ctypes.CDLL(None, use_errno=True)
        found = []
        def attempt(name, action):
            try: found.append(f"{name} did {action()}")
            except OSError as error: found.append(f"{name} refused {errno.errorcode.get(error.errno, error.errno)}")
        def call(number, *arguments):
            result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in arguments])
            if result < 0: raise OSError(ctypes.get_errno(), "call")
            return result
        def status(): return dict(l.rstrip("\\n").split(":\\t", 1) for l in open("/proc/self/status") if ":\\t" in l)
        def write(path, text="x"):
            with open(path, "w") as file: file.write(text)
        def connect(family, address):
            with socket.socket(family, socket.SOCK_STREAM) as s:
                s.settimeout(2); s.connect(address)

        """

    private static let attempts = """
        for path in ["/x", "/etc/x", "/bundle/x", "/bundle/function.py", "/usr/x", "/run/x", "/run/invok/x", "/proc/sys/kernel/core_pattern",
                     "/proc/sysrq-trigger", "/sys/kernel/x", "/sys/fs/cgroup/x", "/proc/self/oom_score_adj_x"]:
            attempt("write " + path, lambda: write(path))
        attempt("list", lambda: os.listdir("/run/invok"))
        attempt("remove program", lambda: os.remove("/run/invok/invok-init"))
        attempt("change program", lambda: open("/run/invok/invok-init", "ab"))
        attempt("link socket", lambda: os.symlink("/var/run/docker.sock", "/run/invok/s"))
        attempt("remount", lambda: call(165, 0, 0, 0, 32, 0))
        attempt("chmod bundle", lambda: os.chmod("/bundle/function.py", 0o777))
        attempt("tmp", lambda: write("/tmp/x"))
        attempt("fill tmp", lambda: [write(f"/tmp/{n}", "x" * (8 << 20)) for n in range(9)] and None)
        for n in range(9):
            try: os.remove(f"/tmp/{n}")
            except OSError: pass
        attempt("docker", lambda: connect(socket.AF_UNIX, "/var/run/docker.sock"))
        attempt("out", lambda: connect(socket.AF_INET, ("1.1.1.1", 80)))
        attempt("metadata", lambda: connect(socket.AF_INET, ("169.254.169.254", 80)))
        attempt("bridge", lambda: connect(socket.AF_INET, ("172.17.0.1", 22)))
        attempt("interfaces", lambda: sorted(name for _, name in socket.if_nameindex()))
        attempt("raw", lambda: socket.socket(2, 3, 1))
        attempt("packet", lambda: socket.socket(17, 3, 0))
        attempt("mount", lambda: call(165, 0, 0, 0, 0, 0))
        attempt("unshare", lambda: call(272, 0x10000000))
        attempt("namespace", lambda: call(56, 0x10000000 | 17, 0, 0, 0, 0))
        attempt("bpf", lambda: call(321, 0, 0, 0))
        attempt("keyctl", lambda: call(250, 0, 0, 0))
        attempt("reboot", lambda: call(169, 0, 0, 0))
        attempt("module", lambda: call(175, 0, 0, 0))
        attempt("clock", lambda: time.clock_settime(0, 0))
        attempt("hostname", lambda: socket.sethostname("x"))
        attempt("device", lambda: os.mknod("/tmp/sda", 0o60600, os.makedev(8, 0)))
        attempt("setuid", lambda: os.setuid(0))
        attempt("setgid", lambda: os.setgid(0))
        attempt("kill init", lambda: os.kill(1, 9))
        attempt("memory of init", lambda: open("/proc/1/mem", "rb").read(1))
        attempt("kernel memory", lambda: open("/proc/kcore", "rb").read(1))
        attempt("memory device", lambda: open("/dev/mem", "rb").read(1))
        found.append(f"processes {len([p for p in os.listdir('/proc') if p.isdigit()])}")
        found.append(f"user {os.getuid() == os.geteuid() == os.getgid() and 10000 <= os.getuid() < 60000} {os.getgroups()}")
        for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"]: found.append(f"{name} {status()[name]}")
        found.append(f"core {resource.getrlimit(resource.RLIMIT_CORE)}")
        found.append(f"files {resource.getrlimit(resource.RLIMIT_NOFILE)}")
        found.append(f"size {resource.getrlimit(resource.RLIMIT_FSIZE)}")
        found.append(f"descriptors {[n for n in range(3, 64) if os.path.exists(f'/proc/self/fd/{n}') and not os.readlink(f'/proc/self/fd/{n}').startswith(('socket:', 'anon_inode:', 'pipe:', '/proc/'))]}")
        found.append(f"secrets {[n for n in os.environ if 'TOKEN' in n or 'SECRET' in n or 'DATABASE' in n or 'REDIS' in n]}")
        """

    private func outcomes(_ lines: [Substring]) -> [String: String] {
        Dictionary(
            lines.compactMap { line in
                for word in [" did ", " refused "] {
                    if let range = line.range(of: word) {
                        return (String(line[..<range.lowerBound]), String(line[line.index(after: range.lowerBound)...]))
                    }
                }
                return line.firstIndex(of: " ").map { (String(line[..<$0]), String(line[line.index(after: $0)...])) }
            }, uniquingKeysWith: { first, _ in first })
    }

    @Test func aFunctionFindsEveryWall() async throws {
        try await DockerFixture.with { fixture in
            let body = Self.attempts.split(separator: "\n", omittingEmptySubsequences: false)
                .map { "    \($0)" }.joined(separator: "\n")
            let source = Self.prelude + "def handler(request):\n\(body)\n    return \"\\n\".join(found)\n"
            let running = try await fixture.start(source)
            let answer = try await DockerFixture.get("/hello", from: running)
            let found = outcomes(answer.text.split(separator: "\n"))
            let printed = try await fixture.texts(.stderr)
            try #require(answer.status == 200, "\(answer.text) \(printed)")
            for (name, outcome) in found.sorted(by: { $0.key < $1.key }) { print("\(name): \(outcome)") }

            for path in [
                "/x", "/etc/x", "/bundle/x", "/bundle/function.py", "/usr/x", "/run/x",
                "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger",
            ] {
                #expect(found["write \(path)"]?.hasPrefix("refused E") == true, "\(path)")
            }
            // What of the host it sees it can neither write to nor fill; the socket that it began with is gone.
            #expect(found["list"] == "did ['invok-init']")
            for name in ["write /run/invok/x", "link socket", "remove program", "change program"] {
                #expect(["refused EROFS", "refused EACCES"].contains(found[name]), "\(name)")
            }
            #expect(found["chmod bundle"]?.hasPrefix("refused") == true)
            #expect(found["tmp"] == "did None")
            #expect(found["fill tmp"] == "refused ENOSPC")
            for name in [
                "docker", "out", "metadata", "bridge", "raw", "packet", "remount", "mount", "unshare", "namespace",
                "bpf", "keyctl",
                "reboot", "module", "clock", "hostname", "device", "setuid", "setgid", "memory of init",
                "memory device", "kernel memory",
            ] {
                // Docker hides the kernel's memory behind an empty device.
                let isRefused = found[name]?.hasPrefix("refused") == true
                #expect(
                    isRefused || (name == "kernel memory" && found[name] == "did b''"), "\(name): \(found[name] ?? "?")"
                )
            }
            #expect(found["interfaces"] == "did ['lo']")
            for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
                #expect(found[name] == "0000000000000000", "\(name)")
            }
            #expect(found["NoNewPrivs"] == "1" && found["Seccomp"] == "2")
            #expect(found["user"] == "True []" || found["user"]?.hasPrefix("True [") == true)
            #expect(found["core"] == "(0, 0)" && found["size"] == "(67108864, 67108864)")
            #expect(found["files"] == "(1024, 1024)")
            #expect(found["descriptors"] == "[]" && found["secrets"] == "[]")
            #expect(Int(found["processes"] ?? "").map { $0 <= 2 } == true)
        }
    }

    @Test func aFunctionCannotForkWithoutEnd() async throws {
        try await DockerFixture.with { fixture in
            let running = try await fixture.start(
                """
                import os, time
                def handler(request):
                    count = 0
                    try:
                        while count < 1000:
                            if os.fork() == 0:
                                time.sleep(60); os._exit(0)
                            count += 1
                    except OSError: pass
                    return str(count)
                """)
            let answer = try await DockerFixture.get("/hello", from: running)
            let count = try #require(Int(answer.text))
            #expect((100...257).contains(count))
            try await within("it ends all the same") { await fixture.engine.stop(running.id, grace: .seconds(1)) }
        }
    }

    // MARK: Builds

    @Test func aBuildHasNoNetworkNoSecretsAndWritesWhereItMay() async throws {
        try await DockerFixture.with { fixture in
            let run = try await fixture.build(
                Self.prelude + """
                    attempt("out", lambda: connect(socket.AF_INET, ("1.1.1.1", 80)))
                    attempt("interfaces", lambda: sorted(name for _, name in socket.if_nameindex()))
                    for path in ["/x", "/build/x", "/build/given", "/usr/x"]: attempt("write " + path, lambda: write(path))
                    attempt("output", lambda: write("/build/function"))
                    found.append(f"user {10000 <= os.getuid() < 60000}")
                    for name in ["CapEff", "CapBnd", "NoNewPrivs", "Seccomp"]: found.append(f"{name} {status()[name]}")
                    found.append(f"environment {sorted(n for n in os.environ if n not in ('PATH', 'HOSTNAME', 'LC_CTYPE'))}")
                    print("\\n".join(found))
                    """, deadlineSeconds: 60)
            let found = outcomes(run.text.split(separator: "\n"))
            #expect(run.status.code == 0, "\(run.text)")
            #expect(found["out"] == "refused ENETUNREACH" && found["interfaces"] == "did ['lo']")
            for path in ["/x", "/build/given", "/usr/x"] {
                #expect(found["write \(path)"] == "refused EROFS", "\(path)")
            }
            // Memory of its own; what it may leave there is one file.
            #expect(found["write /build/x"] == "did None")
            #expect(found["output"] == "did None" && found["user"] == "True")
            #expect(found["CapEff"] == "0000000000000000" && found["CapBnd"] == "0000000000000000")
            #expect(found["NoNewPrivs"] == "1" && found["Seccomp"] == "2")
            #expect(found["environment"] == "['GOPATH', 'HOME', 'LANG', 'TMPDIR', 'TZ']")
        }
    }

    @Test func aBuildThatDoesNotEndIsEnded() async throws {
        try await DockerFixture.with { fixture in
            await #expect(throws: BuildError.deadlineExceeded(seconds: 5, log: "begins\n")) {
                try await fixture.build(
                    "import time; print('begins', flush=True); time.sleep(600)", deadlineSeconds: 5)
            }
            let left = try await fixture.containers()
            #expect(left.isEmpty)
        }
    }

    private func within(_ what: String, _ body: () async -> Void) async throws {
        let clock = ContinuousClock()
        let began = clock.now
        await body()
        if clock.now - began > .seconds(30) { throw NeverHappened(description: what) }
    }
}
