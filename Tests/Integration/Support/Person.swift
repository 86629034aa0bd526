import Foundation
import TestSupport
import Testing

/// Somebody with a shell in an empty folder, and with the real CLI.
final class Person: Sendable {
    let folder: URL
    let email = "\(UUID().uuidString.lowercased())@example.com"
    let password = "correct horse battery staple"
    private let environment: [String: String]

    convenience init(environment: [String: String] = [:]) throws {
        try self.init(at: #require(ServerTrait.current).url, environment: environment)
    }

    /// - Parameter url: the server to speak to.
    init(at url: String, environment: [String: String] = [:]) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "invok-person-\(UUID())")
            .resolvingSymlinksInPath()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        self.environment = [
            "HOME": folder.path, "XDG_CONFIG_HOME": folder.appending(path: ".config").path, "INVOK_HOST": url,
            "PATH": "/usr/bin:/bin", "TZ": "UTC",
        ].merging(environment) { $1 }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Somebody who is logged in.
    static func registered() async throws -> Person {
        let person = try Person()
        try await person.succeeds("register", "-e", person.email, "-p", person.password)
        return person
    }

    /// Runs `invok` to its end.
    @discardableResult
    func invok(_ arguments: [String], input: String = "", in path: String = "") async throws -> Outcome {
        let files = FileManager.default.temporaryDirectory.appending(path: "invok-run-\(UUID())")
        try FileManager.default.createDirectory(at: files, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: files) }
        let (stdin, stdout, stderr) = (
            files.appending(path: "0"), files.appending(path: "1"), files.appending(path: "2")
        )
        try Data(input.utf8).write(to: stdin)
        for file in [stdout, stderr] { try Data().write(to: file) }
        let process = command(arguments, in: path)
        process.standardInput = try FileHandle(forReadingFrom: stdin)
        process.standardOutput = try FileHandle(forWritingTo: stdout)
        process.standardError = try FileHandle(forWritingTo: stderr)
        try await Self.run(process)
        return Outcome(
            status: process.terminationStatus, output: try Data(contentsOf: stdout),
            errors: String(decoding: try Data(contentsOf: stderr), as: UTF8.self))
    }

    /// Runs `invok`, which has to succeed.
    /// - Returns: what it printed on stdout, without the last line end.
    @discardableResult
    func succeeds(
        _ arguments: String..., input: String = "", in path: String = "",
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let outcome = try await invok(arguments, input: input, in: path)
        try #require(
            outcome.status == 0, "invok \(arguments): \(outcome.text)\n\(outcome.errors)",
            sourceLocation: sourceLocation)
        return outcome.text.hasSuffix("\n") ? String(outcome.text.dropLast()) : outcome.text
    }

    /// Runs `invok`, which has to fail with this status and say these words on stderr.
    func fails(
        _ arguments: String..., status: Int32, saying words: String, input: String = "",
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let outcome = try await invok(arguments, input: input)
        #expect(outcome.status == status, "invok \(arguments): \(outcome.errors)", sourceLocation: sourceLocation)
        #expect(outcome.errors.contains(words), "invok \(arguments)", sourceLocation: sourceLocation)
        #expect(outcome.text.isEmpty, "stdout is for results only", sourceLocation: sourceLocation)
    }

    /// Starts `invok` and leaves it running.
    func start(_ arguments: String...) throws -> LiveCommand { try LiveCommand(command(arguments, in: "")) }

    /// Writes a file below the folder.
    func write(_ text: String, to path: String) throws { try write(Data(text.utf8), to: path) }

    func write(_ data: Data, to path: String) throws {
        let url = folder.appending(path: path)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: url)
    }

    /// Writes a project.
    func write(project name: String, runtime: String, files: [String: String]) throws {
        try write(#"{"function_name": "\#(name)", "runtime": "\#(runtime)"}"#, to: "\(name)/config.json")
        for (path, text) in files { try write(text, to: "\(name)/\(path)") }
    }

    private func command(_ arguments: [String], in path: String) -> Process {
        let process = Process()
        process.executableURL = Products.url("invok")
        process.arguments = arguments
        process.environment = environment
        process.currentDirectoryURL = path.isEmpty ? folder : folder.appending(path: path)
        return process
    }

    private static func run(_ process: Process) async throws {
        try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in done.resume() }
            do {
                try process.run()
            } catch {
                process.terminationHandler = nil
                done.resume(throwing: error)
            }
        }
    }
}

/// What became of one run of `invok`.
struct Outcome {
    let status: Int32
    let output: Data
    let errors: String

    var text: String { String(decoding: output, as: UTF8.self) }
}
