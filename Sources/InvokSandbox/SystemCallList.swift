import Glibc

/// What a sandbox may ask of the kernel: what Docker's default profile gives a container without capabilities (moby/profiles,
/// `seccomp/default.json`), less what no function has a use for. `SystemCallListTests` names each difference.
enum SystemCallList {
    struct Rule: Hashable, Sendable {
        enum Answer: Hashable, Sendable {
            case allow
            case fail(Int32)
        }

        let name: String
        let answer: Answer
        /// It holds for a call of which any of these is true; without one, for every call.
        var tests: [ArgumentTest] = []
    }

    /// An argument, as far as the mask shows it, has this value.
    ///
    /// The kernel takes most arguments as 32 bits, whatever is above them: so must who judges them.
    struct ArgumentTest: Hashable, Sendable {
        let argument: UInt32
        let mask: UInt64
        let value: UInt64
    }

    /// What no rule speaks of is not permitted.
    static var rules: [Rule] {
        let families = [AF_UNIX, AF_INET, AF_INET6].map(UInt32.init)
        return allowed.map { Rule(name: $0, answer: .allow) } + [
            Rule(name: "clone", answer: .allow, tests: [ArgumentTest(argument: 0, mask: namespaceFlags, value: 0)]),
            // Its flags lie in memory, where a filter cannot look; C libraries then use clone(2).
            Rule(name: "clone3", answer: .fail(ENOSYS)),
            Rule(name: "socket", answer: .allow, tests: only(families)),
            Rule(name: "socket", answer: .fail(EAFNOSUPPORT), tests: allBut(families)),
            Rule(name: "socketpair", answer: .allow, tests: only([UInt32(AF_UNIX)])),
            Rule(name: "socketpair", answer: .fail(EAFNOSUPPORT), tests: allBut([UInt32(AF_UNIX)])),
            Rule(name: "personality", answer: .allow, tests: only(personalities)),
            Rule(name: "ioctl", answer: .allow, tests: allBut(terminalInput, argument: 1)),
        ]
    }

    /// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET.
    private static let namespaceFlags: UInt64 = 0x7E02_0000
    /// PER_LINUX and PER_LINUX32, each also with UNAME26, and the question which it is (personality(2)).
    private static let personalities: [UInt32] = [0, 8, 0x20000, 0x20008, 0xFFFF_FFFF]
    /// TIOCSTI and TIOCLINUX, which put words into somebody's terminal.
    private static let terminalInput: [UInt32] = [0x5412, 0x541C]

    private static func only(_ values: [UInt32], argument: UInt32 = 0) -> [ArgumentTest] {
        values.map { ArgumentTest(argument: argument, mask: 0xFFFF_FFFF, value: UInt64($0)) }
    }

    /// One rule cannot say that an argument is neither this nor that. So from the highest bit on: who begins like one of the
    /// values up to a bit, and goes on like none.
    static func allBut(_ values: [UInt32], argument: UInt32 = 0) -> [ArgumentTest] {
        (0..<32).reversed().flatMap { bit -> [ArgumentTest] in
            let beginnings = Set(values.map { $0 >> bit })
            return Set(beginnings.map { $0 ^ 1 }).subtracting(beginnings).sorted().map {
                ArgumentTest(argument: argument, mask: UInt64(UInt32.max << bit), value: UInt64($0 << bit))
            }
        }
    }

    /// What makes memory that is in no process's count: to be refused where those counts are all there is.
    static let unseenMemory: Set = ["memfd_create", "memfd_secret", "shmget"]

    /// Whatever their arguments.
    static let allowed: [String] = names.split { $0 == " " || $0 == "\n" }.map(String.init)

    private static let names = [
        // Files and folders.
        """
        access cachestat chdir chmod chown close close_range copy_file_range creat dup dup2 dup3
        faccessat faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl
        fdatasync flock fstat fstatfs fsync ftruncate futimesat getcwd getdents getdents64 lchown link
        linkat lseek lstat mkdir mkdirat mknod mknodat newfstatat open openat openat2 readlink
        readlinkat rename renameat renameat2 rmdir stat statfs statx symlink symlinkat sync
        sync_file_range syncfs truncate umask unlink unlinkat utime utimensat utimes
        """,
        // Their extended attributes.
        """
        fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat
        llistxattr lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat
        """,
        // Reading, writing and waiting.
        """
        epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2
        inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents
        io_pgetevents io_setup io_submit pipe pipe2 poll ppoll pread64 preadv preadv2 pselect6 pwrite64
        pwritev pwritev2 read readahead readv select sendfile signalfd signalfd4 splice tee vmsplice
        write writev
        """,
        // Sockets.
        """
        accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg
        sendmmsg sendmsg sendto setsockopt shutdown
        """,
        // Memory.
        """
        brk madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall
        mmap mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect
        process_mrelease
        """,
        // Processes and threads.
        """
        arch_prctl execve execveat exit exit_group fork futex futex_requeue futex_wait futex_waitv
        futex_wake get_robust_list getcpu getpgid getpgrp getpid getppid getpriority getrlimit getrusage
        getsid gettid ioprio_get ioprio_set pidfd_open prctl prlimit64 restart_syscall rseq
        sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam
        sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam
        sched_setscheduler sched_yield set_robust_list set_tid_address setpgid setpriority setrlimit
        setsid uretprobe vfork wait4 waitid
        """,
        // Signals.
        """
        kill pause pidfd_send_signal rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
        rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sigaltstack tgkill tkill
        """,
        // Users, and what a process does without.
        """
        capget capset getegid geteuid getgid getgroups getresgid getresuid getuid landlock_add_rule
        landlock_create_ruleset landlock_restrict_self seccomp setfsgid setfsuid setgid setgroups
        setregid setresgid setresuid setreuid setuid
        """,
        // Time.
        """
        alarm clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep setitimer time
        timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create
        timerfd_gettime timerfd_settime times
        """,
        // Queues, semaphores and memory that processes share, within the sandbox.
        """
        mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv
        msgsnd semctl semget semop semtimedop shmat shmctl shmdt shmget
        """,
        // The machine.
        """
        getrandom sysinfo uname
        """,
    ].joined(separator: " ")
}
