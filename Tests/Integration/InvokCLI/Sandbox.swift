import Foundation

@testable import InvokCLI

/// A temporary directory to run `invok` in, as a person would, with what it prints caught.
final class Sandbox: Sendable {
    struct Outcome {
        var status: ExitStatus
        var output: String
        var bytes: [UInt8]
        var errors: String
    }

    let directory: String

    init() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("invok-cli-\(UUID())").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        directory = path
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func run(
        _ arguments: String..., host: String? = nil, environment: [String: String] = [:]
    ) async throws -> Outcome {
        try await run(verb: arguments, host: host, environment: environment)
    }

    func run(
        verb arguments: [String], host: String? = nil, environment: [String: String] = [:]
    ) async throws -> Outcome {
        let id = UUID()
        let paths = ["\(directory)/.out-\(id)", "\(directory)/.err-\(id)"]
        let descriptors = paths.map { open($0, O_RDWR | O_CREAT | O_CLOEXEC, 0o600) }
        defer {
            for descriptor in descriptors { close(descriptor) }
            for path in paths { unlink(path) }
        }
        var environment = environment.merging(["HOME": directory + "/home"]) { given, _ in given }
        environment["INVOK_HOST"] = host
        var run = CommandLineRun(arguments: arguments, environment: environment, directory: directory)
        run.output = descriptors[0]
        run.diagnostics = descriptors[1]
        run.isInteractive = false
        let status = await run.perform()
        let output = try read(paths[0]), errors = try read(paths[1])
        return Outcome(
            status: status, output: String(decoding: output, as: UTF8.self), bytes: output,
            errors: String(decoding: errors, as: UTF8.self))
    }

    /// Runs it with a terminal for what is not the result, or for both.
    /// - Returns: what the terminal got.
    func terminal(_ arguments: String..., showsResults: Bool = false) async throws -> String {
        var (master, slave): (Int32, Int32) = (-1, -1)
        guard openpty(&master, &slave, nil, nil, nil) == 0 else {
            throw Failure("test", "there is no terminal: \(Files.reason())")
        }
        // No program that another test starts may keep it open.
        for descriptor in [master, slave] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        // On a thread of its own, since it blocks.
        let (text, received) = AsyncStream.makeStream(of: [UInt8].self)
        Thread.detachNewThread { [master] in
            var chunk = [UInt8](repeating: 0, count: 4096)
            // Ends with an error when the other end is closed.
            while case let count = Glibc.read(master, &chunk, chunk.count), count > 0 {
                received.yield(Array(chunk[..<count]))
            }
            received.finish()
        }
        var run = CommandLineRun(
            arguments: arguments, environment: ["HOME": directory + "/home", "TERM": "xterm"], directory: directory)
        let nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC)
        run.output = showsResults ? slave : nowhere
        run.diagnostics = slave
        run.isInteractive = false
        _ = await run.perform()
        for descriptor in [nowhere, slave] { close(descriptor) }
        let bytes = await text.reduce(into: []) { $0 += $1 }
        close(master)
        return String(decoding: bytes, as: UTF8.self)
    }

    func write(_ path: String, _ text: String) throws {
        let url = URL(fileURLWithPath: directory + "/" + path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: url, atomically: false, encoding: .utf8)
    }

    func read(_ path: String) throws -> [UInt8] {
        try Array(Data(contentsOf: URL(fileURLWithPath: path.hasPrefix("/") ? path : directory + "/" + path)))
    }

    /// Logs in at a host without a server.
    func logIn(at host: String) throws {
        try write(
            "home/.config/invok/session.json",
            """
            {"host":"\(host)","sessions":{"\(host)":{"token":"secret-token",
            "uuid":"00000000-0000-4000-8000-000000000001","email":"ada@example.com"}}}
            """)
        chmod(directory + "/home/.config/invok/session.json", 0o600)
    }
}

/// The namespace of `Sandbox.logIn`.
let namespace = "00000000-0000-4000-8000-000000000001"

/// A function as `/invok/list` shows it.
func functionJSON(_ name: String) -> String {
    """
    {"uuid":"\(namespace)","name":"\(name)","runtime":"go","access":"private","active_version":3,"env":[],\
    "path":"/invok/\(namespace)/\(name)","created_at":"2026-11-22T14:00:00.000Z","updated_at":"2026-11-22T14:00:00.000Z"}
    """
}
