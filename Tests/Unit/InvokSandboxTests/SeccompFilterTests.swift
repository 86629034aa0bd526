import Testing

@testable import InvokSandbox

/// Runs the filter as the kernel does, for both architectures, whichever this machine has.
@Suite struct SeccompFilterTests {
    typealias Architecture = SeccompFilter.Architecture

    enum Verdict: Hashable {
        case allow
        case kill
        case errno(UInt32)
    }

    struct Call {
        var number: UInt32
        var architecture: UInt32
        var arguments: [UInt64] = []

        /// `struct seccomp_data` of seccomp(2), as 32-bit words.
        var words: [UInt32] {
            let padded = arguments + [UInt64](repeating: 0, count: 6 - arguments.count)
            return [number, architecture, 0, 0]
                + padded.flatMap { [UInt32(truncatingIfNeeded: $0), UInt32(truncatingIfNeeded: $0 >> 32)] }
        }
    }

    struct Instruction {
        let code: UInt16
        let ifTrue: UInt8
        let ifFalse: UInt8
        let operand: UInt32
    }

    struct Malformed: Error, CustomStringConvertible { let description: String }

    static func instructions(_ architecture: Architecture, without refused: Set<String> = []) throws -> [Instruction] {
        let bytes = try SeccompFilter(architecture, without: refused).bytes
        try #require(bytes.count % 8 == 0)
        return stride(from: 0, to: bytes.count, by: 8).map { index in
            bytes[index..<index + 8].withUnsafeBytes { word in
                Instruction(
                    code: word.loadUnaligned(as: UInt16.self), ifTrue: word[2], ifFalse: word[3],
                    operand: word.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
            }
        }
    }

    /// Classic BPF as far as the filter uses it; anything else is an error, as it would be for the kernel's checker.
    static func run(_ program: [Instruction], _ call: Call) throws -> Verdict {
        var (accumulator, next) = (UInt32(0), 0)
        while next < program.count {
            let instruction = program[next]
            next += 1
            let holds: Bool
            switch instruction.code {
            case 0x20:
                guard instruction.operand % 4 == 0, instruction.operand < 64 else {
                    throw Malformed(description: "loads from \(instruction.operand)")
                }
                accumulator = call.words[Int(instruction.operand / 4)]
                continue
            case 0x54:
                accumulator &= instruction.operand
                continue
            case 0x05:
                next += Int(instruction.operand)
                continue
            case 0x06:
                switch instruction.operand {
                case 0x7FFF_0000: return .allow
                case 0x8000_0000: return .kill
                case let answer where answer >> 16 == 5: return .errno(answer & 0xFFFF)
                default: throw Malformed(description: "answers \(instruction.operand)")
                }
            case 0x15: holds = accumulator == instruction.operand
            case 0x25: holds = accumulator > instruction.operand
            case 0x35: holds = accumulator >= instruction.operand
            default: throw Malformed(description: "code \(instruction.code)")
            }
            next += Int(holds ? instruction.ifTrue : instruction.ifFalse)
        }
        throw Malformed(description: "runs past its end")
    }

    /// One architecture's filter, and what it says.
    struct Judge {
        let architecture: Architecture
        let program: [Instruction]

        init(_ architecture: Architecture, without refused: Set<String> = []) throws {
            self.architecture = architecture
            program = try instructions(architecture, without: refused)
        }

        func callAsFunction(_ number: UInt32, _ arguments: [UInt64] = []) throws -> Verdict {
            try run(program, Call(number: number, architecture: architecture.token, arguments: arguments))
        }

        func callAsFunction(_ name: String, _ arguments: [UInt64] = []) throws -> Verdict {
            try self(try #require(architecture.number(of: name), "\(name)"), arguments)
        }
    }

    @Test(arguments: Architecture.allCases) func endsWhoSpeaksForAnotherArchitecture(own: Architecture) throws {
        let program = try Self.instructions(own)
        for token in [0x4000_0003, 0xC000_003E, 0xC000_00B7, 0, 0xFFFF_FFFF] as [UInt32] where token != own.token {
            for number in [0, 1, 16, 59, 9999] as [UInt32] {
                #expect(try Self.run(program, Call(number: number, architecture: token)) == .kill)
            }
        }
    }

    /// Numbers of x32 have a bit of their own, and the architecture of x86_64.
    @Test func endsWhoMakesCallsOfX32() throws {
        let judge = try Judge(.x86_64)
        for number in [0, 1, 59, 101, 512, 547, 9999] as [UInt32] { #expect(try judge(0x4000_0000 | number) == .kill) }
    }

    @Test(arguments: Architecture.allCases) func allowsTheListAndNothingElse(own: Architecture) throws {
        let judge = try Judge(own)
        let allowed = Set(SystemCallList.allowed.compactMap { own.number(of: $0) })
        let newest = try #require(allowed.max())
        let judged = Set(SystemCallList.rules.compactMap { own.number(of: $0.name) }).subtracting(allowed)
        try #require(allowed.count > 200 && judged.count >= 6)
        for number in 0...UInt32(1100) where !judged.contains(number) {
            let expected: Verdict = allowed.contains(number) ? .allow : .errno(number > newest ? 38 : 1)
            #expect(try judge(number) == expected, "\(number)")
            // Whatever its arguments.
            #expect(try judge(number, [.max, .max, .max, .max, .max, .max]) == expected, "\(number)")
        }
        for number in [9999, 0x3FFF_FFFF] as [UInt32] { #expect(try judge(number) == .errno(38)) }
        #expect(try judge("clone3") == .errno(38))
    }

    /// By number, as the kernel's own tables have them: read, write, close, mmap, futex, execve, exit_group, openat,
    /// epoll_wait or epoll_pwait, and others that every program needs.
    @Test(arguments: [
        (Architecture.x86_64, [0, 1, 3, 9, 13, 14, 23, 59, 202, 231, 232, 257, 281, 318, 334, 437] as [UInt32]),
        (.aarch64, [22, 29, 56, 57, 63, 64, 73, 94, 98, 134, 135, 221, 222, 278, 293, 437]),
    ])
    func letsOrdinaryCallsPass(own: Architecture, numbers: [UInt32]) throws {
        let judge = try Judge(own)
        for number in numbers { #expect(try judge(number) == .allow, "\(number)") }
    }

    /// What an earlier filter named one by one, which let all else pass.
    static let neverAllowed = DockerProfile.words(
        """
        _sysctl acct add_key adjtimex bpf chroot clock_adjtime clock_settime create_module delete_module fanotify_init
        fanotify_mark finit_module fsconfig fsmount fsopen fspick get_kernel_syms get_mempolicy init_module io_uring_enter
        io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl listmount lookup_dcookie
        lsm_get_self_attr lsm_list_modules lsm_set_self_attr mbind migrate_pages modify_ldt mount mount_setattr move_mount
        move_pages name_to_handle_at nfsservctl open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root
        process_madvise process_vm_readv process_vm_writev ptrace query_module quotactl quotactl_fd reboot
        remap_file_pages request_key set_mempolicy set_mempolicy_home_node setdomainname sethostname setns settimeofday
        statmount swapoff swapon sysfs syslog umount2 unshare uselib userfaultfd ustat vhangup
        """)

    @Test func namesNothingThatWasDenied() {
        #expect(Self.neverAllowed.isDisjoint(with: SystemCallList.rules.map(\.name)))
        #expect(Set(SystemCallList.allowed).count == SystemCallList.allowed.count)
    }

    @Test(arguments: Architecture.allCases) func looksAtArguments(own: Architecture) throws {
        let judge = try Judge(own)
        // A thread and a fork; then each namespace, alone and among others; high halves do not hide anything.
        for flags in [0x3D0F00, 0x1200011, 17] as [UInt64] { #expect(try judge("clone", [flags]) == .allow) }
        for bit in [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000] as [UInt64] {
            #expect(try judge("clone", [bit | 17]) == .errno(1), "\(bit)")
            #expect(try judge("clone", [1 << 32 | bit | 17]) == .errno(1), "\(bit)")
        }
        for high in [0, 1 << 32, 0xFFFF_FFFF << 32] as [UInt64] {
            for family in 0...64 as ClosedRange<UInt64> {
                let isKnown = [1, 2, 10].contains(family)
                #expect(try judge("socket", [high | family]) == (isKnown ? .allow : .errno(97)), "\(family)")
                #expect(try judge("socketpair", [high | family]) == (family == 1 ? .allow : .errno(97)), "\(family)")
            }
            for persona in [0, 8, 0x20000, 0x20008, 0xFFFF_FFFF] as [UInt64] {
                #expect(try judge("personality", [high | persona]) == .allow)
                #expect(try judge("personality", [high | persona ^ 0x40000]) == .errno(1))
            }
            // TIOCSTI and TIOCLINUX put words into somebody's terminal.
            for request in [0x5412, 0x541C] as [UInt64] {
                #expect(try judge("ioctl", [0, high | request]) == .errno(1))
                for bit in 0..<32 as Range<UInt64> where request ^ 1 << bit != 0x541C && request ^ 1 << bit != 0x5412 {
                    #expect(try judge("ioctl", [0, high | request ^ 1 << bit]) == .allow)
                }
            }
            for request in [0, 0x5401, 0x5413, 0x541B, 0x5421, 0x8004_5430, 0xFFFF_FFFF] as [UInt64] {
                #expect(try judge("ioctl", [0, high | request]) == .allow, "\(request)")
            }
        }
    }

    @Test func saysWhatIsNoneOfSomeValues() {
        for values in [[], [0], [1, 2, 10], [0x5412, 0x541C], [.max], [0, .max]] as [[UInt32]] {
            let tests = SystemCallList.allBut(values)
            for value in [0, 1, 2, 3, 9, 10, 11, 0x5411, 0x5412, 0x541C, 0x8000_0000, .max] as [UInt32] {
                let isOne = tests.filter { UInt64(value) & $0.mask == $0.value }.count
                // None of them twice, and without any value to leave out there is nothing to begin like.
                #expect(isOne == (values.isEmpty || values.contains(value) ? 0 : 1), "\(value) of \(values)")
            }
        }
    }

    @Test(arguments: Architecture.allCases) func refusesMoreWhereItIsToldTo(own: Architecture) throws {
        let judge = try Judge(own, without: ["memfd_create", "shmget"])
        #expect(try judge("memfd_create") == .errno(1))
        #expect(try judge("shmget") == .errno(1))
        #expect(try judge("mmap") == .allow)
    }

    /// What the kernel's checker asks for: at most 4096 instructions, jumps that stay inside, an answer at the end.
    @Test(arguments: Architecture.allCases) func isAProgramThatTheKernelTakes(own: Architecture) throws {
        let program = try Self.instructions(own)
        #expect(program.count <= 4096)
        #expect(program.last?.code == 0x06)
        for (index, instruction) in program.enumerated() where instruction.code & 7 == 5 {
            let isAlways = instruction.code == 0x05
            let jump = isAlways ? Int(instruction.operand) : Int(max(instruction.ifTrue, instruction.ifFalse))
            #expect(index + 1 + jump < program.count)
        }
    }
}
