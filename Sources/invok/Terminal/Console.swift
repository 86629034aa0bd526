import InvokModel

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where a command's words go: results to stdout, all else to stderr.
///
/// Only this type writes escape sequences, so text from elsewhere can be made safe in one place.
struct Console: Sendable {
    private let output: Int32
    private let diagnostics: Int32
    /// Results are JSON, one document on stdout.
    let isJSON: Bool
    /// Nothing but results and errors.
    let isQuiet: Bool
    let outputIsTerminal: Bool
    private let diagnosticsIsTerminal: Bool
    private let hasColour: Bool
    private let canAnimate: Bool

    /// - Parameters:
    ///   - output: the file descriptor for results.
    ///   - diagnostics: the file descriptor for notes, progress and errors.
    ///   - environment: `NO_COLOR` (no-color.org) and `TERM=dumb` take colours and animation away.
    init(
        output: Int32 = STDOUT_FILENO, diagnostics: Int32 = STDERR_FILENO, isJSON: Bool = false, isQuiet: Bool = false,
        environment: [String: String]
    ) {
        self.output = output
        self.diagnostics = diagnostics
        self.isJSON = isJSON
        self.isQuiet = isQuiet
        outputIsTerminal = isatty(output) == 1
        diagnosticsIsTerminal = isatty(diagnostics) == 1
        canAnimate = diagnosticsIsTerminal && !isQuiet && !isJSON && environment["TERM"] != "dumb"
        hasColour = diagnosticsIsTerminal && environment["TERM"] != "dumb" && (environment["NO_COLOR"] ?? "").isEmpty
    }

    // MARK: Results

    /// Prints a line of the result. With `--json` the result is the document instead.
    func result(_ line: String) {
        write(Array(((outputIsTerminal ? PlainText.escaped(line) : line) + "\n").utf8))
    }

    func result(_ table: Table) { for line in table.lines { result(line) } }

    /// Prints a JSON document on one line, its keys sorted.
    func json(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let document = String(decoding: try encoder.encode(value), as: UTF8.self)
        write(Array((PlainText.escapedJSON(document) + "\n").utf8))
    }

    /// Writes bytes of a result as they are.
    func write(_ bytes: [UInt8]) {
        if !writeAll(bytes, to: output) { endAsFilter() }
    }

    // MARK: The rest

    /// Prints text on stderr, even when quiet.
    func say(_ text: String) { print(text) }

    /// Says something that is not the result; `--quiet` silences it.
    func note(_ line: String) {
        if !isQuiet { print(line) }
    }

    /// Says what may be a mistake, even when quiet.
    func warn(_ line: String) { print(coloured("Warning:", "33") + " " + safe(line), isSafe: true) }

    /// Says why the command failed.
    func report(_ failure: Failure) {
        if isJSON {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            if let data = try? encoder.encode(FailureMessage(failure)) {
                raw(PlainText.escapedJSON(String(decoding: data, as: UTF8.self)) + "\n")
                return
            }
        }
        let text = safe(failure.text)
        print(coloured("Error:", "31") + text.dropFirst("Error:".count), isSafe: true)
    }

    /// Shows that something goes on: a moving line on a terminal, a plain one elsewhere.
    /// - Parameter transfer: what is sent meanwhile; on a terminal a bar shows it while it lasts.
    func progress<Value>(
        _ label: String, sending transfer: Transfer? = nil, isolation: isolated (any Actor)? = #isolation,
        _ work: () async throws -> Value
    ) async rethrows -> Value {
        guard canAnimate else {
            if !isJSON { note(label + "…") }
            return try await work()
        }
        let animation = Task { [self] in
            let frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]
            var index = 0
            while !Task.isCancelled {
                let bar = transfer.flatMap { ProgressBar.text(sent: $0.sent, total: $0.total) }
                raw("\r\u{1B}[K\(frames[index % frames.count]) \(bar.map { "Uploading \($0)" } ?? safe(label) + "…")")
                index += 1
                try? await Task.sleep(for: .milliseconds(80))
            }
            raw("\r\u{1B}[K")
        }
        do {
            let value = try await work()
            animation.cancel()
            await animation.value
            return value
        } catch {
            animation.cancel()
            await animation.value
            throw error
        }
    }

    /// Prints a line of something that goes on, above the moving one; `--quiet` and `--json` silence it.
    func progressLine(_ line: String) {
        guard !isQuiet, !isJSON else { return }
        raw((canAnimate ? "\r\u{1B}[K" : "") + safe(line) + "\n")
    }

    /// Prints the text of a question, without a line end.
    func ask(_ question: String) { raw(safe(question)) }

    private func print(_ line: String, isSafe: Bool = false) { raw((isSafe ? line : safe(line)) + "\n") }

    private func raw(_ text: String) { _ = writeAll(Array(text.utf8), to: diagnostics) }

    private func safe(_ text: String) -> String { diagnosticsIsTerminal ? PlainText.escaped(text) : text }

    private func coloured(_ text: String, _ code: String) -> String {
        hasColour ? "\u{1B}[1;\(code)m\(text)\u{1B}[0m" : text
    }

    /// The reader of stdout has gone (`invok logs | head`): end as any filter does, by SIGPIPE and without a word.
    private func endAsFilter() -> Never {
        signal(SIGPIPE, SIG_DFL)
        raise(SIGPIPE)
        exit(ExitStatus.failure.rawValue)
    }
}

/// Writes all bytes to a file descriptor.
/// - Returns: false if it takes no more.
private func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count > 0 {
            rest = rest.dropFirst(count)
        } else if errno == EAGAIN {
            var event = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = poll(&event, 1, -1)
        } else if errno != EINTR {
            return false
        }
    }
    return true
}
