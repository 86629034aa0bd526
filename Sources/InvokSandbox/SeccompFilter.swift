import CLinux
import CSeccomp
import Glibc
import InvokPOSIX

/// The seccomp filter of every sandbox, compiled by libseccomp from `SystemCallList` to classic BPF (seccomp(2)).
///
/// What the list does not name fails with EPERM, and what is newer than all that it names with ENOSYS, so that callers fall
/// back. Calls of another architecture, x32 among them, end the process: no program of this machine makes any.
struct SeccompFilter: Sendable {
    /// The program as the kernel takes it: eight bytes an instruction, in the machine's order.
    let bytes: [UInt8]

    /// - Parameters:
    ///   - architecture: whose calls it judges.
    ///   - refused: names of the list that are to fail all the same.
    /// - Throws: what libseccomp says, when it cannot make it.
    init(_ architecture: Architecture = .native, without refused: Set<String> = []) throws(SystemError) {
        let rules = SystemCallList.rules.filter { !refused.contains($0.name) }
        let newest = rules.compactMap { architecture.number(of: $0.name) }.max() ?? 0
        bytes = Self.answerForUnknown(from: newest + 1, architecture) + (try Self.compile(rules, architecture))
    }

    private static func compile(
        _ rules: [SystemCallList.Rule], _ architecture: Architecture
    ) throws(SystemError) -> [UInt8] {
        guard let context = seccomp_init(failure(EPERM)) else { throw SystemError("seccomp_init", code: ENOMEM) }
        defer { seccomp_release(context) }
        if architecture != .native {
            try check(seccomp_arch_add(context, architecture.token), "seccomp_arch_add")
            try check(seccomp_arch_remove(context, Architecture.native.token), "seccomp_arch_remove")
        }
        try check(seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, killProcess), "seccomp_attr_set")
        // A binary tree: the middle of some hundred calls costs no more than the first.
        try check(seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2), "seccomp_attr_set")
        for rule in rules { try add(rule, to: context) }
        let file = Descriptor(linux_memfd_create("seccomp"))
        try check(seccomp_export_bpf(context, file.number), "seccomp_export_bpf")
        // By its name, it is read from its start.
        guard let bytes = Files.read("/proc/self/fd/\(file.number)"), !bytes.isEmpty else {
            throw SystemError("read", "the filter", code: EIO)
        }
        return bytes
    }

    private static func add(_ rule: SystemCallList.Rule, to context: scmp_filter_ctx) throws(SystemError) {
        // By this machine's number, which libseccomp knows for all architectures. What it does not know yet is not allowed,
        // and what an architecture does not have it leaves out.
        let number = seccomp_syscall_resolve_name(rule.name)
        guard number != unknown else { return }
        let action =
            switch rule.answer {
            case .allow: allow
            case .fail(let code): failure(code)
            }
        if rule.tests.isEmpty { try check(seccomp_rule_add_array(context, action, number, 0, nil), rule.name) }
        for test in rule.tests {
            var comparison = scmp_arg_cmp(
                arg: test.argument, op: SCMP_CMP_MASKED_EQ, datum_a: test.mask, datum_b: test.value)
            try check(seccomp_rule_add_array(context, action, number, 1, &comparison), rule.name)
        }
    }

    /// What comes before libseccomp's program, which has one answer to all that it does not know.
    private static func answerForUnknown(from first: UInt32, _ architecture: Architecture) -> [UInt8] {
        let instructions: [(code: UInt16, ifTrue: UInt8, ifFalse: UInt8, operand: UInt32)] = [
            (0x20, 0, 0, 4),  // load the architecture,
            (0x15, 0, 4, architecture.token),  // and when it is another, leave it to the program,
            (0x20, 0, 0, 0),  // load the number,
            (0x35, 2, 0, 0x4000_0000),  // and when it is one of x32 as well;
            (0x35, 0, 1, first),  // when it is as high as this,
            (0x06, 0, 0, failure(ENOSYS)),  // there is no such call.
        ]
        return instructions.flatMap { instruction -> [UInt8] in
            withUnsafeBytes(of: instruction.code) { Array($0) } + [instruction.ifTrue, instruction.ifFalse]
                + withUnsafeBytes(of: instruction.operand) { Array($0) }
        }
    }

    // Macros of seccomp.h that Swift does not see.
    private static let allow: UInt32 = 0x7FFF_0000
    private static let killProcess: UInt32 = 0x8000_0000
    private static let unknown: Int32 = -1
    private static func failure(_ code: Int32) -> UInt32 { 0x0005_0000 | UInt32(code) }

    private static func check(_ result: Int32, _ what: String) throws(SystemError) {
        guard result >= 0 else { throw SystemError("libseccomp", what, code: -result) }
    }
}

extension SeccompFilter {
    enum Architecture: CaseIterable, Sendable {
        case x86_64
        case aarch64

        /// The one that this runs on.
        static var native: Architecture {
            #if arch(arm64)
                .aarch64
            #else
                .x86_64
            #endif
        }

        /// The `AUDIT_ARCH_…` value, which is also libseccomp's.
        var token: UInt32 {
            switch self {
            case .x86_64: 0xC000_003E
            case .aarch64: 0xC000_00B7
            }
        }

        /// - Returns: `nil` where there is no such call, or libseccomp does not know it yet.
        func number(of name: String) -> UInt32? { UInt32(exactly: seccomp_syscall_resolve_name_arch(token, name)) }
    }
}
