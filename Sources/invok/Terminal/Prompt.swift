#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reads answers from the person at the terminal.
struct Prompt: Sendable {
    let console: Console
    /// False in scripts and pipes, where nobody can answer.
    let isInteractive: Bool

    init(console: Console, isInteractive: Bool = isatty(STDIN_FILENO) == 1) {
        self.console = console
        self.isInteractive = isInteractive
    }

    /// Asks for a line.
    /// - Returns: the line without its end, `nil` at the end of input.
    func line(_ question: String) -> String? {
        console.ask(question)
        return readLine(strippingNewline: true)
    }

    /// Asks for a line that is not shown while it is typed.
    func secret(_ question: String) -> String? {
        console.ask(question)
        Interrupt.hideTyping()
        defer {
            Interrupt.showTyping()
            console.ask("\n")
        }
        return readLine(strippingNewline: true)
    }

    /// Asks a yes-or-no question; anything but yes is no.
    func confirm(_ question: String) -> Bool {
        ["y", "yes"].contains((line(question + " [y/N] ") ?? "").lowercased())
    }
}
