import Glibc
import Invok
import InvokPOSIX
import Testing

@testable import InvokSandbox

/// What a function tries against its sandbox, and what becomes of it. Most need root, where functions have users of
/// their own; elsewhere the same holds by the user namespace.
@Suite struct HostileFunctionTests {
    /// Each attempt prints its name and `refused`, with the error, or what it got.
    static let prelude = """
        import ctypes, errno, os, socket, sys
        libc = ctypes.CDLL(None, use_errno=True)
        def attempt(name, action):
            try:
                result = action()
                print(name, "did", result, flush=True)
            except OSError as error:
                print(name, "refused", errno.errorcode.get(error.errno, error.errno), flush=True)
        def call(number, *arguments):
            result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in arguments])
            if result < 0: raise OSError(ctypes.get_errno(), "call")
            return result

        """

    private func outcomes(_ fixture: Fixture, _ program: String) async throws -> [String: String] {
        let (lines, reason) = try await fixture.runToEnd(Self.prelude + program)
        try #require(reason == "exited with status 0", "\(reason) \(fixture.logs.all.map(\.text))")
        return Dictionary(
            lines.compactMap { line in
                line.range(of: " ").map { (String(line[..<$0.lowerBound]), String(line[$0.upperBound...])) }
            }, uniquingKeysWith: { first, _ in first })
    }

    @Test func seesNothingOfTheHost() async throws {
        let fixture = try Fixture()
        let other = try fixture.bundle("print('other')")
        let outcomes = try await outcomes(
            fixture,
            """
            attempt("shadow", lambda: open("/etc/shadow").read())
            attempt("data", lambda: os.listdir("\(fixture.directory)"))
            attempt("other", lambda: os.listdir("\(fixture.host.bundlePath(other))"))
            attempt("root", lambda: os.listdir("/root"))
            attempt("home", lambda: os.listdir("/home"))
            attempt("sys", lambda: os.listdir("/sys"))
            attempt("var", lambda: os.listdir("/var"))
            print("top", sorted(os.listdir("/")))
            print("processes", sorted(p for p in os.listdir("/proc") if p.isdigit()))
            print("init", open("/proc/1/cmdline").read().count("GREETING"))
            attempt("init-environment", lambda: open("/proc/1/environ").read())
            attempt("init-memory", lambda: open("/proc/1/mem").read(1))
            attempt("init-kill", lambda: os.kill(1, 9))
            attempt("local", lambda: os.listdir("/usr/local"))
            attempt("local-write", lambda: open("/usr/local/x", "w"))
            print("socket", socket.socket(fileno=3).getsockname())
            """)
        for name in ["shadow", "data", "other", "root", "home", "sys", "var"] {
            #expect(outcomes[name] == "refused ENOENT", "\(name)")
        }
        for name in ["init-environment", "init-memory"] { #expect(outcomes[name] == "refused EACCES", "\(name)") }
        // The kernel lets nobody inside end the first process.
        #expect(outcomes["init-kill"] == "did None")
        #expect(outcomes["local"] == "did []" || outcomes["local"] == "refused ENOENT")
        #expect(outcomes["local-write"]?.hasPrefix("refused E") == true)
        #expect(outcomes["socket"]?.contains(fixture.directory) == false, "\(outcomes["socket"] ?? "")")
        #expect(outcomes["processes"] == "['1', '2']")
        #expect(outcomes["top"]?.contains("tmp") == true && outcomes["top"]?.contains("work") == false)
    }

    @Test func changesNothing() async throws {
        let fixture = try Fixture()
        let outcomes = try await outcomes(
            fixture,
            """
            for path in ["/bundle/x", "/usr/x", "/etc/x", "/x", "/dev/x", "/proc/sys/kernel/hostname"]:
                attempt(path, lambda: open(path, "w").write("x"))
            attempt("/bundle/.invok/function", lambda: os.chmod("/bundle/.invok/function", 0o777))
            attempt("tmp", lambda: open("/tmp/x", "w").write("x"))
            def fill(path):
                with open(path, "wb", buffering=0) as file:
                    for _ in range(100): file.write(bytes(1 << 20))
            def fill_many():
                for n in range(4):
                    try: fill(f"/tmp/{n}")
                    except OSError as error:
                        if error.errno == errno.ENOSPC: raise
            import signal
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            attempt("fill", fill_many)
            """)
        for path in [
            "/bundle/x", "/usr/x", "/etc/x", "/x", "/dev/x", "/proc/sys/kernel/hostname", "/bundle/.invok/function",
        ] {
            let outcome = try #require(outcomes[path])
            #expect(["refused EROFS", "refused EACCES", "refused EPERM"].contains(outcome), "\(path) \(outcome)")
        }
        #expect(outcomes["tmp"] == "did 1")
        #expect(outcomes["fill"] == "refused ENOSPC")
    }

    @Test func reachesNoNetwork() async throws {
        let fixture = try Fixture()
        let outcomes = try await outcomes(
            fixture,
            """
            def reach(address):
                connection = socket.socket(); connection.settimeout(3); connection.connect(address)
            attempt("out", lambda: reach(("1.1.1.1", 53)))
            attempt("metadata", lambda: reach(("169.254.169.254", 80)))
            attempt("interfaces", lambda: [l.split(":")[0].strip() for l in open("/proc/net/dev") if ":" in l])
            attempt("netlink", lambda: socket.socket(16, 3, 0))
            attempt("vsock", lambda: socket.socket(40, 1, 0))
            attempt("packet", lambda: socket.socket(17, 3, 0))
            attempt("raw", lambda: socket.socket(2, 3, 1))
            """)
        #expect(outcomes["out"] == "refused ENETUNREACH")
        #expect(outcomes["metadata"] == "refused ENETUNREACH")
        #expect(outcomes["interfaces"] == "did ['lo']")
        for name in ["netlink", "vsock", "packet"] { #expect(outcomes[name] == "refused EAFNOSUPPORT", "\(name)") }
        #expect(outcomes["raw"] == "refused EPERM")
    }

    /// Every number that the list does not name, one after the other: those of the kernel's calls among them, and those that
    /// it may get.
    @Test func mayNotCallWhatTheFilterForbids() async throws {
        let fixture = try Fixture()
        let own = SeccompFilter.Architecture.native
        let named = Set(SystemCallList.rules.compactMap { own.number(of: $0.name) })
        // uretprobe and uprobe of x86_64: the kernel answers whoever calls them from elsewhere than its own trampolines by
        // SIGILL, before or behind the filter.
        let trampolines: Set<UInt32> = own == .x86_64 ? [335, 336] : []
        let forbidden = (0..<700).filter { !named.contains($0) && !trampolines.contains($0) }
        for name in ["ptrace", "keyctl", "bpf", "userfaultfd", "unshare", "mount", "io_uring_setup", "setns"] {
            #expect(forbidden.contains(try #require(own.number(of: name))), "\(name)")
        }
        func number(_ name: String) throws -> UInt32 { try #require(own.number(of: name)) }
        let outcomes = try await outcomes(
            fixture,
            """
            for number in \(forbidden):
                attempt(number, lambda: call(number, 0, 0, 0, 0, 0, 0))
            attempt("unknown", lambda: call(9999, 0))
            attempt("clone3", lambda: call(\(try number("clone3")), 0, 0))
            attempt("namespace", lambda: call(\(try number("clone")), 0x10000000 | 17, 0, 0, 0, 0))
            attempt("personality", lambda: call(\(try number("personality")), 0x0040000))
            attempt("tiocsti", lambda: call(\(try number("ioctl")), 0, 0x5412, 0))
            attempt("high", lambda: call(\(try number("ioctl")), 0, 1 << 32 | 0x5412, 0))
            """)
        let newest = named.max() ?? 0
        for number in forbidden {
            #expect(outcomes["\(number)"] == (number > newest ? "refused ENOSYS" : "refused EPERM"), "\(number)")
        }
        #expect(outcomes["unknown"] == "refused ENOSYS")
        #expect(outcomes["clone3"] == "refused ENOSYS")
        for name in ["namespace", "personality", "tiocsti", "high"] {
            #expect(outcomes[name] == "refused EPERM", "\(name)")
        }
    }

    #if arch(x86_64)
        /// The kernel takes calls of two more architectures from any process of x86_64.
        @Test func isEndedByCallsOfAnotherArchitecture() async throws {
            // getpid by x32's number.
            let (_, x32) = try await Fixture().runToEnd(Self.prelude + "call(0x40000000 | 39)\nprint('did')")
            #expect(x32 == "was killed by SIGSYS (forbidden system call)")
            // mov eax, 20 (getpid); int 0x80; ret
            let (_, i386) = try await Fixture().runToEnd(
                Self.prelude + """
                    import mmap
                    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
                    code.write(b"\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3")
                    ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
                    print("did")
                    """)
            #expect(i386 == "was killed by SIGSYS (forbidden system call)")
        }
    #endif

    @Test func hasNoPrivilegesAndCannotGetAny() async throws {
        let fixture = try Fixture()
        let outcomes = try await outcomes(
            fixture,
            """
            import resource
            status = dict(l.rstrip("\\n").split(":\\t", 1) for l in open("/proc/self/status") if ":\\t" in l)
            for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"]: print(name, status[name])
            print("user", os.getuid() == os.geteuid() == os.getgid() != 0, os.getgroups() in ([], [os.getgid()]))
            attempt("setuid", lambda: os.setuid(0))
            attempt("setgid", lambda: os.setgid(0))
            def more_files():
                try: resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 20, 1 << 20))
                except ValueError as error: raise OSError(errno.EPERM, "limit")
            attempt("limit", more_files)
            print("core", resource.getrlimit(resource.RLIMIT_CORE))
            import pwd
            attempt("name", lambda: pwd.getpwuid(os.getuid()).pw_name)
            """)
        for name in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            #expect(outcomes[name] == "0000000000000000", "\(name)")
        }
        #expect(geteuid() != 0 || outcomes["CapBnd"] == "0000000000000000")
        #expect(outcomes["NoNewPrivs"] == "1")
        #expect(outcomes["Seccomp"] == "2")
        #expect(outcomes["user"] == "True True")
        // Inside its user namespace there is no such user at all.
        for name in ["setuid", "setgid"] {
            #expect(["refused EPERM", "refused EINVAL"].contains(outcomes[name]), "\(name)")
        }
        #expect(outcomes["limit"] == "refused EPERM")
        #expect(outcomes["core"] == "(0, 0)")
        #expect(outcomes["name"] == "did function")
    }

    /// The processes of the machine that run as the user, with what the kernel says of each.
    private func processes(of user: Int) -> [String] {
        Files.names(in: "/proc").filter { process in
            (Files.text("/proc/\(process)/status") ?? "").contains("\nUid:\t\(user)\t\(user)\t\(user)\t\(user)\n")
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give functions users of their own"))
    func livesInAUserNamespaceThatNamesItselfAlone() async throws {
        let fixture = try Fixture()
        let spec = try fixture.spec(
            try fixture.bundle(
                pythonServer + "serve(lambda path: f'{os.getuid()} {open(\"/proc/self/uid_map\").read()}')"),
            environment: ["MARK": "a-tenants-secret"])
        let running = try await fixture.engine.start(spec)
        let words = try await get("/", from: running.endpoint).split(separator: " ").compactMap {
            Int($0.filter(\.isNumber))
        }
        let warnings = try await fixture.engine.prepare()
        try #require(!warnings.contains { $0.contains("user namespaces of their own") }, "this machine has none")
        let user = try #require(words.first)
        #expect(user >= 0x7000_0000 && words == [user, user, user, 1])
        let processes = processes(of: user)
        #expect(processes.count == 2, "its init and itself")
        for process in processes {
            for map in ["uid_map", "gid_map"] {
                let numbers = (Files.text("/proc/\(process)/\(map)") ?? "").split { !$0.isNumber }
                #expect(numbers == ["\(user)", "\(user)", "1"], "\(map) of \(process)")
            }
        }
        // Its variables are its own process's, and nobody else's.
        for process in Files.names(in: "/proc") where process.allSatisfy(\.isNumber) {
            let isItself = processes.contains(process) && Files.text("/proc/\(process)/comm") != "invok-init\n"
            let said = ["environ", "cmdline"].map { Files.text("/proc/\(process)/\($0)") ?? "" }.joined()
            #expect(said.contains("a-tenants-secret") == isItself, "process \(process)")
        }
        await fixture.engine.stop(spec.id, grace: .seconds(5))
        #expect(self.processes(of: user).isEmpty)
    }

    /// The change of its user undoes what shall end it with its parent, so its init asks for that again.
    @Test func diesWithBubblewrap() async throws {
        let fixture = try Fixture()
        let spec = try fixture.spec(
            try fixture.bundle(pythonServer + "print('user', os.getuid(), flush=True)\nserve(str)"))
        let exits = fixture.engine.exits()
        _ = try await fixture.engine.start(spec)
        try await fixture.logs.waitFor("user ")
        let user = try #require(fixture.logs.texts(.stdout).first.flatMap { Int($0.filter(\.isNumber)) })
        let first = processes(of: user).filter { Files.text("/proc/\($0)/comm") == "invok-init\n" }.first ?? ""
        let parent = (Files.text("/proc/\(first)/status") ?? "").split(separator: "\n")
            .first { $0.hasPrefix("PPid:") }.flatMap { pid_t($0.filter(\.isNumber)) }
        kill(try #require(parent), SIGKILL)
        let exit = try await within("it ends") { await exits.first { $0.id == spec.id } }
        #expect(exit?.reason == "was killed by SIGKILL")
        // The end is told at once, and the kernel ends the others right after.
        try await within("its processes end") {
            while geteuid() == 0, !self.processes(of: user).isEmpty { await Task.yield() }
        }
    }

    @Test func getsOnlyTheDescriptorsMeantForIt() async throws {
        let fixture = try Fixture()
        // One of the core's that was opened without close-on-exec.
        let leak = open("/etc/hostname", O_RDONLY)
        defer { close(leak) }
        let outcomes = try await outcomes(
            fixture,
            """
            found = []
            for number in range(3, 1024):
                try: os.fstat(number); found.append(number)
                except OSError: pass
            print("descriptors", found)
            print("links", [os.readlink(f"/proc/self/fd/{n}").split(":")[0] for n in (0, 1, 2, 3)])
            """)
        // The interpreter itself has its script closed by now.
        #expect(outcomes["descriptors"] == "[3]")
        #expect(outcomes["links"] == "['/dev/null', 'pipe', 'pipe', 'socket']")
    }

    @Test(.enabled(if: Fixture.limits(.pids), "the pids control group cannot be used on this machine"))
    func cannotForkWithoutEnd() async throws {
        let fixture = try Fixture()
        let outcomes = try await outcomes(
            fixture,
            """
            import time
            def bomb():
                for count in range(1000):
                    if os.fork() == 0:
                        time.sleep(60); os._exit(0)
            attempt("fork", bomb)
            print("children", len([p for p in os.listdir("/proc") if p.isdigit()]) <= 258)
            """)
        #expect(outcomes["fork"] == "refused EAGAIN")
        #expect(outcomes["children"] == "True")
    }

    @Test(.enabled(if: Fixture.limits(.memory), "the memory control group cannot be used on this machine"))
    func isEndedWhenItTakesTooMuchMemory() async throws {
        let fixture = try Fixture()
        let (_, reason) = try await fixture.runToEnd(
            "kept = []\nwhile True: kept.append(b'x' * (1 << 20))", memoryMB: 32)
        #expect(reason == "was killed: out of memory (the limit is 32 MB)")
    }
}

extension Fixture {
    /// Whether this machine lets tests use the controller.
    static func limits(_ controller: ControlGroups.Controller) -> Bool {
        let groups = ControlGroups.of(dataDirectory: "/nonexistent/\(getpid())-\(controller)")
        defer { groups.remove() }
        return !groups.missing.contains(controller)
    }
}
