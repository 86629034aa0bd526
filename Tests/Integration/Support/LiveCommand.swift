import Foundation
import TestSupport

/// A command that goes on until it is interrupted. What it prints on stdout and stderr is read line by line.
final class LiveCommand {
    private let process: Process
    private let lines: AsyncStream<String>
    private var seen: [String] = []

    init(_ process: Process) throws {
        self.process = process
        let pipe = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        lines = Self.lines(of: pipe.fileHandleForReading)
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    /// Waits for a line with these words among those that were not waited for yet.
    /// - Throws: `NeverHappened` with all that was printed.
    @discardableResult
    func line(with words: String, within limit: Duration = .seconds(60)) async throws -> String {
        let watchdog = Task { [identifier = process.processIdentifier] in
            try await Task.sleep(for: limit)
            kill(identifier, SIGKILL)  // which ends the lines
        }
        defer { watchdog.cancel() }
        for await line in lines {
            seen.append(line)
            if line.contains(words) { return line }
        }
        throw NeverHappened(
            description: "a line with '\(words)' within \(limit); printed was:\n\(seen.joined(separator: "\n"))")
    }

    /// Presses Ctrl-C.
    /// - Returns: the exit status.
    func interrupt() async -> Int32 {
        process.interrupt()
        for await line in lines { seen.append(line) }
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// A thread, because reading a pipe blocks; it ends with the pipe.
    private static func lines(of handle: FileHandle) -> AsyncStream<String> {
        AsyncStream { lines in
            Thread.detachNewThread {
                var rest: [UInt8] = []
                while case let data = handle.availableData, !data.isEmpty {
                    rest += data
                    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                        lines.yield(String(decoding: rest[..<end], as: UTF8.self))
                        rest.removeSubrange(...end)
                    }
                }
                lines.finish()
            }
        }
    }
}
