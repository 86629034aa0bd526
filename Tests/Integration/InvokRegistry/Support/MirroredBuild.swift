import Foundation
import Invok
import InvokBuild
import InvokEmbedded
import InvokInit
import InvokPOSIX
import Logging
import TestSupport
import Testing

@testable import InvokRegistry

/// A build's place as far as registries go: a socket, what forwards to it, and tools that are told of it. No sandbox.
final class MirroredBuild: Sendable {
    let folder: String
    let port: Int
    let server: RegistryServer
    /// The build's.
    let door: any RegistryDoor
    private let program: String
    let socket: String

    private init(
        folder: String, port: Int, server: RegistryServer, door: any RegistryDoor, program: String, socket: String
    ) {
        self.door = door
        (self.folder, self.port, self.server, self.program, self.socket) = (folder, port, server, program, socket)
    }

    /// - Parameters:
    ///   - root: of the test, with the cache in it.
    ///   - source: `nil` for that of the settings.
    static func run<Value: Sendable>(
        _ settings: RegistrySettings, in root: TemporaryFolder, source: (any PackageSource)? = nil,
        limits: RegistryServer.DoorLimits = .init(), _ body: (MirroredBuild) async throws -> Value
    ) async throws -> Value {
        let environment = ProcessInfo.processInfo.environment
        let http = HTTPPackageSource(settings, environment: environment)
        // Free, and stays so with some luck.
        let port = try await ByteServer.run { _ in
        } body: { port in
            port
        }
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let server = RegistryServer(
            settings: settings, source: source ?? http, cacheDirectory: root.path + "/cache", clock: SystemClock(),
            port: port, limits: limits, logger: quiet)
        let folder = "\(root.path)/build-\(UInt32.random(in: .min ... .max))"
        try Files.makeDirectory(folder, mode: 0o700)
        let program = try HandOver.install(in: folder)
        let socket = folder + "/socket"
        let door = try await server.open(at: socket)
        let build = MirroredBuild(
            folder: folder, port: port, server: server, door: door, program: program, socket: socket)
        let result: Result<Value, any Error>
        do { result = .success(try await body(build)) } catch { result = .failure(error) }
        await door.close()
        await http.close()
        // What forwards ends with the next connection.
        _ = try? await ByteConnection.connect(port: port)
        return try result.get()
    }

    /// Runs a tool's command in a folder of the build, with the registries at the port.
    /// - Returns: its status, and all that it printed.
    func run(
        _ tool: String, _ command: [String], in place: String? = nil, _ environment: [String: String] = [:]
    ) async throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.currentDirectoryURL = URL(filePath: place ?? folder)
        process.arguments = [
            "-c", #"p=$1; s=$2; n=$3; shift 3; "$p" forward "$n" "$s" 2>/dev/null; exec "$@" 2>&1"#, "sh", program,
            socket,
            "\(port)",
        ]
        process.arguments? += command
        process.environment = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOME": folder, "TMPDIR": folder,
            "LANG": "C.UTF-8",
        ].merging(server.environment(for: tool)) { $1 }.merging(environment) { $1 }
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        let ended = ProcessEnd(of: process)
        try process.run()
        let text = AsyncStream<String> { stream in
            Thread.detachNewThread {
                let data = (try? output.fileHandleForReading.readToEnd()) ?? Data()
                stream.yield(String(decoding: data, as: UTF8.self))
                stream.finish()
            }
        }
        var printed = ""
        for await part in text { printed += part }
        await ended.wait()
        return (process.terminationStatus, printed)
    }

    func write(_ text: String, to path: String) throws {
        try Files.makeDirectories((folder + "/" + path).folder, mode: 0o700)
        try Files.write(Array(text.utf8), to: folder + "/" + path, mode: 0o600)
    }

    /// Sends a request as it is written, and returns the whole answer.
    func answer(_ request: String) async throws -> String {
        try await withConnection { connection in
            try await connection.write(request)
            try await connection.finish()
            return String(decoding: try await connection.rest(), as: UTF8.self)
        }
    }

    private func withConnection<Value>(_ body: (ByteConnection) async throws -> Value) async throws -> Value {
        _ = try await run("none", ["true"])
        return try await body(try await ByteConnection.connect(port: port))
    }
}

extension String {
    fileprivate var folder: String { String(self[..<(lastIndex(of: "/") ?? startIndex)]) }
}

extension RegistrySettings {
    /// Of an operator who has these variables and files.
    init(_ environment: [String: String], files: [String: String] = [:]) {
        self.init(SettingsFiles(environment: ["HOME": "/home/op"].merging(environment) { $1 }) { files[$0] })
    }
}

/// A tool as the core finds it; a missing one fails the test.
enum Tool {
    static func path(_ name: String) throws -> String {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["HOME"] ?? "/"
        let data = environment["XDG_DATA_HOME"] ?? "\(home)/.local/share"
        let folders =
            ["\(environment["INVOK_TOOLCHAINS"] ?? "\(data)/invok/toolchains")/bin"]
            + (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        let folder = try #require(
            folders.first { Files.exists("\($0)/\(name)") }, "\(name) is missing; ci/setup installs it")
        return "\(folder)/\(name)"
    }

    /// npm of the Node that the core finds.
    static func npm() throws -> [String] {
        let node = try #require(Files.realPath(try path("node")))
        let script = node.replacing("/bin/node", with: "/lib/node_modules/npm/bin/npm-cli.js")
        try #require(Files.exists(script), "\(script) is missing")
        return [node, script]
    }
}
