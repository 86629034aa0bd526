import Foundation
import Synchronization

/// One run of the server's executable, which lies beside the tests'.
public final class CoreProcess: Sendable {
    public struct DidNotStart: Error, CustomStringConvertible {
        public let description: String
    }

    public let url: String
    public let port: Int
    private let process: Process
    private let ended: ProcessEnd
    private let said: Said

    private init(process: Process, ended: ProcessEnd, said: Said, url: String, port: Int) {
        self.process = process
        self.ended = ended
        self.said = said
        self.url = url
        self.port = port
    }

    public var processIdentifier: Int32 { process.processIdentifier }

    /// What it has written to standard error so far; all of it once it has ended.
    public var errors: String { said.text.withLock { $0 } }

    /// Returns once the server says that it listens.
    /// - Parameters:
    ///   - environment: is put over that of the tests.
    ///   - command: what runs it: its path, perhaps behind another program that becomes it.
    ///   - errors: where its log goes; `nil` keeps it, and shows it where the tests' goes.
    public static func start(
        dataDirectory: String, port: Int, environment: [String: String] = [:], workingDirectory: URL? = nil,
        command: [String] = [Products.url("invok-core").path], errors: FileHandle? = nil
    ) async throws -> CoreProcess {
        let process = Process()
        process.executableURL = URL(filePath: command[0])
        process.arguments =
            command.dropFirst() + ["--host", "127.0.0.1", "--port", "\(port)", "--data-dir", dataDirectory]
        // The services of the world of production are for those who name them; others run on their data directory alone.
        process.environment = ProcessInfo.processInfo.environment.filter {
            !["DATABASE_URL", "REDIS_URL"].contains($0.key)
        }
        .merging([
            "INVOK_CONNECTIONS_PER_ADDRESS": "10000", "INVOK_METRICS_ADDRESS": "127.0.0.1:0", "LOG_LEVEL": "warning",
            "AUTH_ATTEMPTS_PER_ADDRESS": "100000",
            "INVOK_QUOTAS": "invocationsPerSecond=unlimited",
            "AUTH_SCRYPT_COST": "14", "INVOK_CONSOLE_ADDRESS": "",
        ]) { $1 }
        .merging(environment) { $1 }
        if let workingDirectory { process.currentDirectoryURL = workingDirectory }
        let (output, complaints) = (Pipe(), Pipe())
        process.standardOutput = output
        if let errors {
            process.standardError = errors
            try complaints.fileHandleForWriting.close()
        } else {
            process.standardError = complaints
        }
        let ended = ProcessEnd(of: process)
        try process.run()
        let said = Said(complaints.fileHandleForReading)
        ProcessesToEnd.add(process.processIdentifier)
        for await line in Self.lines(of: output.fileHandleForReading) {
            guard let match = line.firstMatch(of: /https?:\/\/127\.0\.0\.1:(\d+)/), let port = Int(match.1) else {
                continue
            }
            return CoreProcess(process: process, ended: ended, said: said, url: String(match.0), port: port)
        }
        await ended.wait()
        await said.end()
        let reason = said.text.withLock { $0 }
        throw DidNotStart(
            description: "invok-core ended with status \(process.terminationStatus) before it listened: \(reason)")
    }

    /// Reads to the end, also when nobody listens any more: a full pipe would stop the server.
    private static func lines(of handle: FileHandle) -> AsyncStream<String> {
        AsyncStream { lines in
            Thread.detachNewThread {
                var rest = ""
                while case let data = handle.availableData, !data.isEmpty {
                    rest += String(decoding: data, as: UTF8.self)
                    while let end = rest.firstIndex(of: "\n") {
                        lines.yield(String(rest[..<end]))
                        rest = String(rest[rest.index(after: end)...])
                    }
                }
                lines.finish()
            }
        }
    }

    /// Returns once it has ended.
    /// - Returns: its exit status, or the signal that ended it.
    @discardableResult
    public func end(with signal: Int32) async -> Int32 {
        kill(process.processIdentifier, signal)
        await ended.wait()
        ProcessesToEnd.remove(process.processIdentifier)
        await said.end()
        return process.terminationStatus
    }
}

/// Keeps what a process says on standard error, and shows it on the tests' own.
private final class Said: Sendable {
    let text = Mutex("")
    private let ended: AsyncStream<Void>

    init(_ handle: FileHandle) {
        let (ended, continuation) = AsyncStream<Void>.makeStream()
        self.ended = ended
        Thread.detachNewThread { [self] in
            while case let data = handle.availableData, !data.isEmpty {
                FileHandle.standardError.write(data)
                text.withLock { $0 += String(decoding: data, as: UTF8.self) }
            }
            continuation.finish()
        }
    }

    func end() async { for await _ in ended {} }
}

/// Servers that must not outlive the tests.
private enum ProcessesToEnd {
    private static let identifiers = Mutex<Set<Int32>>([])

    private static let registration: Void = {
        atexit { ProcessesToEnd.identifiers.withLock { for identifier in $0 { kill(identifier, SIGKILL) } } }
    }()

    static func add(_ identifier: Int32) {
        _ = registration
        _ = identifiers.withLock { $0.insert(identifier) }
    }

    static func remove(_ identifier: Int32) {
        _ = identifiers.withLock { $0.remove(identifier) }
    }
}
