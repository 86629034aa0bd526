import Foundation
import Invok
import InvokBuild
import InvokEgress
import InvokEmbedded
import InvokPOSIX
import Logging
import Synchronization
import Testing

@testable import InvokSandbox

/// A data directory, a host and an engine of their own for one test, gone with it.
final class Fixture: Sendable {
    let directory: String
    let host: SandboxHost
    let logs = MemoryLog()
    let engine: SandboxContainerEngine

    static let toolchains = Toolchains.discover(environment: environment)

    static var environment: [String: String] {
        var variables: [String: String] = [:]
        for name in [
            "PATH", "HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "INVOK_CACHE_DIR", "INVOK_TOOLCHAINS", "INVOK_GO",
            "INVOK_NODE", "INVOK_PYTHON",
        ] {
            if let value = getenv(name) { variables[name] = String(cString: value) }
        }
        return variables
    }

    /// Where servers of this user keep it too: it takes long to make, and whoever uses it cannot harm it.
    static var cacheDirectory: String {
        environment["INVOK_CACHE_DIR"]
            ?? (environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "/tmp") + "/.cache") + "/invok"
    }

    /// - Parameters:
    ///   - usesControlGroups: `false` makes a host that has none, as on other machines.
    ///   - machine: what it takes this machine for.
    init(
        usesControlGroups: Bool = true, machine: LimitEnforcement.Machine = .this, allowsUnlimited: Bool = false,
        registries: (any BuildRegistries)? = nil, networks: InstanceNetworks? = nil
    ) throws {
        directory = "/tmp/invok-sandbox-\(UUID().uuidString.prefix(8))"
        try Files.makeDirectory(directory, mode: 0o700)
        host = SandboxHost(
            dataDirectory: directory, cacheDirectory: Self.cacheDirectory, toolchains: Self.toolchains,
            clock: SystemClock(), allowsUnlimited: allowsUnlimited, registries: registries,
            networks: networks, usesControlGroups: usesControlGroups, machine: machine)
        engine = SandboxContainerEngine(host: host, logs: logs, logger: Logger(label: "test"))
    }

    deinit { try? Files.removeTree(directory) }

    /// The control groups that its host uses.
    func groups() -> ControlGroups { ControlGroups.of(dataDirectory: directory) }

    static let namespace = UUIDValue(high: 1, low: 2)
    static func key(_ name: String = "hello") throws -> FunctionKey {
        FunctionKey(namespace: namespace, name: try FunctionName(name))
    }

    /// Makes a bundle whose `/bundle/.invok/function` is this program; without a first line `#!`, in Python.
    func bundle(_ program: String) throws -> BundleID {
        let text = program.hasPrefix("#!") ? program : "#!/usr/bin/python3 -IB\n" + program
        let bundle = BundleID(Digest(of: text.utf8))
        let path = host.bundlePath(bundle)
        try Files.makeDirectories(path + "/.invok", mode: 0o755)
        try Files.write(Array(text.utf8), to: path + "/.invok/function", mode: 0o755)
        return bundle
    }

    func spec(
        _ bundle: BundleID, ordinal: UInt32 = 1, memoryMB: Int? = nil, cpus: Double? = nil,
        environment: [String: String] = [:], egress: Egress = .nothing
    ) throws -> InstanceSpec {
        let version = VersionKey(function: try Self.key(), number: 1)
        var given = LimitsConfig()
        given.memoryMB = memoryMB
        given.cpus = cpus
        return InstanceSpec(
            id: InstanceID(version: version, ordinal: ordinal), version: version,
            settings: VersionSettings(
                runtime: .go, environment: try Environment(environment), limits: try Limits(given),
                egress: egress),
            bundle: bundle)
    }

    /// Runs a program as an instance until it ends by itself.
    /// - Returns: its standard output, and why it ended.
    func runToEnd(
        _ program: String, memoryMB: Int? = nil, egress: Egress = .nothing
    ) async throws -> (lines: [String], reason: String) {
        let spec = try spec(try bundle(program), memoryMB: memoryMB, egress: egress)
        let exits = engine.exits()
        _ = try await engine.start(spec)
        let exit = try await within("the instance ends") { await exits.first { $0.id == spec.id } }
        // It is told before the last of the output is written.
        await engine.stop(spec.id, grace: .zero)
        return (logs.texts(.stdout), try #require(exit).reason)
    }
}

/// A log in memory, which can be waited on.
final class MemoryLog: LogStore {
    private let state = Mutex<(lines: [LogLine], watchers: [AsyncStream<LogEntry>.Continuation])>(([], []))

    var all: [LogLine] { state.withLock { $0.lines } }

    func texts(_ source: LogLine.Source) -> [String] { all.filter { $0.source == source }.map(\.text) }

    func append(_ lines: [LogLine], to function: FunctionKey) async throws(LogError) {
        state.withLock { state in
            for line in lines {
                state.lines.append(line)
                let entry = LogEntry(cursor: LogCursor(sequence: UInt64(state.lines.count)), line: line)
                for watcher in state.watchers { watcher.yield(entry) }
            }
        }
    }

    func lines(
        of function: FunctionKey, since: Timestamp?, limit: Int, matching filter: LogFilter
    ) async throws(LogError) -> [LogEntry] { [] }

    /// All lines, those from before too.
    func follow(_ function: FunctionKey, after: LogCursor?, matching filter: LogFilter) -> AsyncStream<LogEntry> {
        let (stream, continuation) = AsyncStream.makeStream(of: LogEntry.self)
        state.withLock { state in
            for (index, line) in state.lines.enumerated() {
                continuation.yield(LogEntry(cursor: LogCursor(sequence: UInt64(index + 1)), line: line))
            }
            state.watchers.append(continuation)
        }
        return stream
    }

    func functions() async throws(LogError) -> Set<FunctionKey> { [] }

    func remove(_ function: FunctionKey) async throws(LogError) {}

    /// Waits until a line like this has been written.
    func waitFor(_ text: String) async throws {
        let lines = follow(try Fixture.key(), after: nil)
        let entry = try await within("the log says '\(text)'") { await lines.first { $0.line.text.contains(text) } }
        try #require(entry != nil)
    }
}

struct TimedOut: Error, CustomStringConvertible {
    let description: String
}

/// Fails when the body takes longer than half a minute, instead of hanging.
func within<Value: Sendable>(
    _ what: String, seconds: Int = 30, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask(operation: body)
        group.addTask {
            try await Task.sleep(for: .seconds(seconds))
            throw TimedOut(description: "not within \(seconds) s: \(what)")
        }
        guard let value = try await group.next() else { throw TimedOut(description: what) }
        group.cancelAll()
        return value
    }
}

/// A server for descriptor 3 in a few lines of Python: runs `answer(path)` for each request.
let pythonServer = """
    import os, signal, socket, sys
    server = socket.socket(fileno=3)
    def serve(answer):
        while True:
            connection, _ = server.accept()
            data = b""
            while b"\\r\\n\\r\\n" not in data:
                part = connection.recv(65536)
                if not part: break
                data += part
            if not data: continue
            body = answer(data.split()[1].decode()).encode()
            connection.sendall(b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
            connection.close()

    """

/// Sends `GET path` over a unix socket and reads to the end.
/// - Returns: the body of a 200; throws when the connection is refused.
func get(_ path: String, from endpoint: InstanceEndpoint) async throws -> String {
    guard case .unixSocket(let socketPath) = endpoint else { throw TimedOut(description: "not a unix socket") }
    return try await Task.detached {
        let connection = Descriptor(socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(socketPath.utf8)) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection.number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw SystemError("connect", socketPath) }
        // Reading blocks, so a function that never answers must not hold the test for ever.
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(connection.number, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        try connection.writeAll(Array("GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8))
        var answer: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
        defer { buffer.deallocate() }
        while let count = try connection.readSome(into: buffer), count > 0 { answer += buffer[..<count] }
        let text = String(decoding: answer, as: UTF8.self)
        guard text.hasPrefix("HTTP/1.1 200"), let head = text.range(of: "\r\n\r\n") else {
            throw TimedOut(description: "not a 200: \(text)")
        }
        return String(text[head.upperBound...])
    }.value
}

extension StringProtocol {
    /// Where the other text stands in this one.
    func range(of other: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(other) { return start..<index(start, offsetBy: other.count) }
            start = index(after: start)
        }
        return nil
    }
}
