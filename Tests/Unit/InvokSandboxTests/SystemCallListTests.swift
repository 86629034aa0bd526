import Testing

@testable import InvokSandbox

/// Holds the list against Docker's default profile.
@Suite struct SystemCallListTests {
    /// What a container may call there and a function may not.
    static let leftOut: [(reason: String, names: String)] = [
        ("looks into other processes, and changes them", "ptrace process_vm_readv process_vm_writev"),
        ("reads the clock's adjustment, which only root may change", "adjtimex clock_adjtime"),
        ("watches whole file systems, which only root may begin", "fanotify_mark"),
        ("makes handles, by which files are opened past their folders", "name_to_handle_at"),
        ("lists the machine's mounts", "listmount statmount"),
        ("segments of 16-bit code, a rarely walked part of the kernel", "modify_ldt"),
        ("is emulated, and used by nobody", "remap_file_pages"),
        ("the kernel has it no more", "epoll_ctl_old epoll_wait_old get_thread_area set_thread_area"),
        ("is of another architecture", "riscv_hwprobe"),
    ]

    @Test func allowsWhatDockerDoesButForWhatHasAReason() {
        let ours = Set(SystemCallList.rules.filter { $0.answer == .allow }.map(\.name))
        let leftOut = Self.leftOut.flatMap { DockerProfile.words($0.names) }
        #expect(Set(leftOut).count == leftOut.count)
        #expect(DockerProfile.allowed.subtracting(ours) == Set(leftOut))
        #expect(ours.subtracting(DockerProfile.allowed).isEmpty, "nothing that Docker does not")
    }

    /// Docker's profile also serves processes of 32 bits, whose calls end a function.
    @Test(arguments: SeccompFilter.Architecture.allCases)
    func whatElseDockerAllowsIsNoCallHere(architecture: SeccompFilter.Architecture) {
        for name in DockerProfile.narrow { #expect(architecture.number(of: name) == nil, "\(name)") }
    }

    /// A name with a mistake in it would be passed over like one that libseccomp does not know yet.
    @Test func hasNoNameThatIsNone() {
        let newerThanSomeLibraries = DockerProfile.words(
            "getxattrat listxattrat removexattrat setxattrat mseal uretprobe cachestat fchmodat2 map_shadow_stack "
                + "futex_requeue futex_wait futex_wake")
        for name in SystemCallList.rules.map(\.name) where !newerThanSomeLibraries.contains(name) {
            #expect(SeccompFilter.Architecture.allCases.contains { $0.number(of: name) != nil }, "\(name)")
        }
    }
}
