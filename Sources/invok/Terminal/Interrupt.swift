#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Ctrl-C: gives the terminal back as it was and ends with 130.
enum Interrupt {
    /// The terminal's settings before typing was hidden. A signal handler can reach nothing but globals; it is written
    /// only by the one prompt that runs at a time, before and after the handler could need it.
    nonisolated(unsafe) private static var shown = termios()
    nonisolated(unsafe) private static var isHidden = false

    /// What becomes of that which goes on, for whoever ends it.
    nonisolated(unsafe) private static var lastWords: StaticString = ""

    /// Says from now on what an end by Ctrl-C would mean; empty where nothing is to be said.
    static func means(_ words: StaticString) { lastWords = words }

    /// Installs the handler. Nothing else has to be undone on the way out: what the server was asked to do, it does
    /// whole or not at all, and local files are replaced in one step.
    static func install() {
        _ = tcgetattr(STDIN_FILENO, &shown)
        signal(SIGINT) { _ in
            if Interrupt.isHidden { tcsetattr(STDIN_FILENO, TCSANOW, &Interrupt.shown) }
            if isatty(STDERR_FILENO) == 1 { _ = write(STDERR_FILENO, "\n", 1) }
            let words = Interrupt.lastWords
            _ = write(STDERR_FILENO, words.utf8Start, words.utf8CodeUnitCount)
            _exit(ExitStatus.interrupted.rawValue)
        }
    }

    static func hideTyping() {
        guard tcgetattr(STDIN_FILENO, &shown) == 0 else { return }
        var hidden = shown
        hidden.c_lflag &= ~tcflag_t(ECHO)
        isHidden = true
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden)
    }

    static func showTyping() {
        guard isHidden else { return }
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown)
        isHidden = false
    }
}
