import Glibc

/// How a process ended.
package struct ExitStatus: Hashable, Sendable {
    /// 0…255; 128 + n for the signal n, as bubblewrap and shells say it.
    package let code: Int32

    package init(code: Int32) { self.code = code }

    package init(waitStatus: Int32) {
        let signal = waitStatus & 0x7F
        code = signal == 0 ? waitStatus >> 8 & 0xFF : 128 + signal
    }

    /// In words, for the log.
    package func reason(outOfMemoryKills: Int, memoryBytes: Int) -> String {
        if outOfMemoryKills > 0 && code != 0 {
            return "was killed: out of memory (the limit is \(memoryBytes >> 20) MB)"
        }
        guard code > 128, let name = Self.signals[code - 128] else { return "exited with status \(code)" }
        return "was killed by \(name)"
    }

    private static let signals: [Int32: String] = [
        SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGILL: "SIGILL (illegal instruction)",
        SIGTRAP: "SIGTRAP", SIGABRT: "SIGABRT (abort)", SIGBUS: "SIGBUS (bad memory access)",
        SIGFPE: "SIGFPE (arithmetic error)", SIGKILL: "SIGKILL", SIGSEGV: "SIGSEGV (bad memory access)",
        SIGPIPE: "SIGPIPE", SIGALRM: "SIGALRM", SIGTERM: "SIGTERM", SIGXCPU: "SIGXCPU",
        SIGXFSZ: "SIGXFSZ (a file grew too large)", SIGSYS: "SIGSYS (forbidden system call)",
    ]
}
