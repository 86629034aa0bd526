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

    private init(process: Process, url: String, port: Int) {
        self.process = process
        self.url = url
        self.port = port
    }

    /// Returns once the server says that it listens.
    /// - Parameters:
    ///   - command: what runs it: its path, perhaps behind another program that becomes it.
    ///   - errors: where its log goes; `nil` is where the tests' goes.
    public static func start(
        dataDirectory: String, port: Int, environment: [String: String] = [:],
        command: [String] = [Products.url("invok-core").path], errors: FileHandle? = nil
    ) async throws -> CoreProcess {
        let process = Process()
        process.executableURL = URL(filePath: command[0])
        process.arguments =
            command.dropFirst() + ["--host", "127.0.0.1", "--port", "\(port)", "--data-dir", dataDirectory]
        if let errors { process.standardError = errors }
        process.environment = ProcessInfo.processInfo.environment
            .merging(["LOG_LEVEL": "warning", "AUTH_ATTEMPTS_PER_ADDRESS": "100000", "AUTH_SCRYPT_COST": "14"]) { $1 }
            .merging(environment) { $1 }
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        ProcessesToEnd.add(process.processIdentifier)
        for await line in Self.lines(of: output.fileHandleForReading) {
            guard let range = line.range(of: "http://127.0.0.1:") else { continue }
            let digits = line[range.upperBound...].prefix { $0.isNumber }
            guard let port = Int(digits) else { continue }
            return CoreProcess(process: process, url: "http://127.0.0.1:\(port)", port: port)
        }
        process.waitUntilExit()
        throw DidNotStart(description: "invok-core ended with status \(process.terminationStatus) before it listened")
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

    public func end(with signal: Int32) async {
        kill(process.processIdentifier, signal)
        let process = process
        await withCheckedContinuation { done in
            DispatchQueue.global().async {
                process.waitUntilExit()
                done.resume()
            }
        }
        ProcessesToEnd.remove(process.processIdentifier)
    }
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
