/// The seccomp filter of every sandbox, as classic BPF (seccomp(2), "struct sock_filter").
///
/// Comparable to Docker's default profile: what could reach the kernel's rarely walked or privileged parts fails with
/// EPERM, system calls newer than this table with ENOSYS, so that callers fall back, and another architecture's
/// calls end the process.
struct SeccompFilter: Sendable {
    let architecture: SystemCalls

    /// The filter for the machine that this runs on.
    static var native: SeccompFilter {
        #if arch(arm64)
            SeccompFilter(architecture: .aarch64)
        #else
            SeccompFilter(architecture: .x86_64)
        #endif
    }

    /// The program as `bwrap --seccomp` reads it: eight bytes an instruction, in the machine's order.
    var bytes: [UInt8] {
        instructions.flatMap { instruction -> [UInt8] in
            withUnsafeBytes(of: instruction.code) { Array($0) } + [instruction.ifTrue, instruction.ifFalse]
                + withUnsafeBytes(of: instruction.operand) { Array($0) }
        }
    }

    struct Instruction: Hashable, Sendable {
        let code: UInt16
        let ifTrue: UInt8
        let ifFalse: UInt8
        let operand: UInt32
    }

    var instructions: [Instruction] {
        var program = checkArchitecture
        program += [Self.load(Self.numberOffset)]
        if architecture == .x86_64 {
            // x32 calls share the architecture; their numbers have this bit.
            program += [.jump(.greaterOrEqual, 0x4000_0000, else: 1), .answer(errno: Self.notImplemented)]
        }
        program += [.jump(.greaterOrEqual, SystemCalls.firstUnknown, else: 1), .answer(errno: Self.notImplemented)]
        for number in architecture.denied {
            program += [.jump(.equal, number, else: 1), .answer(errno: Self.notPermitted)]
        }
        // Its flags lie in memory, where a filter cannot look; C libraries then use clone(2).
        program += [.jump(.equal, SystemCalls.clone3, else: 1), .answer(errno: Self.notImplemented)]
        for rule in argumentRules {
            program += [.jump(.equal, rule.number, else: UInt8(rule.body.count))] + rule.body
        }
        return program + [.allow]
    }

    private var checkArchitecture: [Instruction] {
        [Self.load(Self.architectureOffset), .jump(.equal, architecture.audit, then: 1, else: 0), .kill]
    }

    private var argumentRules: [(number: UInt32, body: [Instruction])] {
        [
            (architecture.clone, Self.unless(noneOf: Self.namespaceFlags)),
            (architecture.socket, Self.only([1, 2, 10], argument: 0, otherwise: Self.familyNotSupported)),
            (architecture.socketpair, Self.only([1], argument: 0, otherwise: Self.familyNotSupported)),
            (
                architecture.personality,
                Self.only([0, 8, 0x20000, 0x20008, 0xFFFF_FFFF], argument: 0, otherwise: Self.notPermitted)
            ),
            (architecture.ioctl, Self.except([0x5412, 0x541C], argument: 1)),
        ]
    }

    /// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET.
    private static let namespaceFlags: UInt32 = 0x7E02_0000
    private static let notPermitted: UInt32 = 1
    private static let notImplemented: UInt32 = 38
    private static let familyNotSupported: UInt32 = 97
    private static let numberOffset: UInt32 = 0
    private static let architectureOffset: UInt32 = 4

    private static func load(_ offset: UInt32) -> Instruction {
        Instruction(code: 0x20, ifTrue: 0, ifFalse: 0, operand: offset)
    }

    /// Loads the low half of an argument; both architectures are little-endian.
    private static func loadArgument(_ index: UInt32) -> Instruction { load(16 + 8 * index) }

    private static func unless(noneOf flags: UInt32) -> [Instruction] {
        [loadArgument(0), .jump(.anyBit, flags, else: 1), .answer(errno: notPermitted), .allow]
    }

    private static func only(_ values: [UInt32], argument: UInt32, otherwise errno: UInt32) -> [Instruction] {
        [loadArgument(argument)] + values.flatMap { [.jump(.equal, $0, else: 1), Instruction.allow] }
            + [.answer(errno: errno)]
    }

    private static func except(_ values: [UInt32], argument: UInt32) -> [Instruction] {
        [loadArgument(argument)]
            + values.flatMap { [.jump(.equal, $0, else: 1), Instruction.answer(errno: notPermitted)] } + [.allow]
    }
}

extension SeccompFilter.Instruction {
    enum Test: UInt16 {
        case equal = 0x15
        case greaterOrEqual = 0x35
        case anyBit = 0x45
    }

    static func jump(_ test: Test, _ operand: UInt32, then ifTrue: UInt8 = 0, else ifFalse: UInt8) -> Self {
        Self(code: test.rawValue, ifTrue: ifTrue, ifFalse: ifFalse, operand: operand)
    }

    /// SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS and SECCOMP_RET_ERRNO.
    static let allow = Self(code: 0x06, ifTrue: 0, ifFalse: 0, operand: 0x7FFF_0000)
    static let kill = Self(code: 0x06, ifTrue: 0, ifFalse: 0, operand: 0x8000_0000)

    static func answer(errno: UInt32) -> Self {
        Self(code: 0x06, ifTrue: 0, ifFalse: 0, operand: 0x0005_0000 | errno)
    }
}
