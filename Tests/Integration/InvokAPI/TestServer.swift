import HTTPTypes
import Invok
import InvokProxy
import InvokSim
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import InvokAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A server on a port of its own, over a simulated world.
struct TestServer: Sendable {
    let port: Int
    let sim: SimWorld
    let system: InvokSystem
    /// How clients speak TLS with it; `nil` where they speak none.
    let tls: TLSClient?

    /// Runs a server while `body` runs. The server has to end by itself afterwards, on a graceful shutdown.
    static func run(
        _ configuration: ServerConfiguration = ServerConfiguration(port: 0),
        transport: (@Sendable (SimWorld) -> any InstanceTransport)? = nil,
        engine: (@Sendable (SimWorld) -> any ContainerEngine)? = nil, instances: UnixSocketTransport? = nil,
        cache: (any CoordinationCache)? = nil, tls: TLSClient? = nil,
        body: @escaping @Sendable (TestServer) async throws -> Void
    ) async throws {
        let sim = SimWorld(seed: 1)
        var world = sim.world
        if let transport { world.transport = transport(sim) }
        if let engine { world.engine = engine(sim) }
        if let cache { world.cache = cache }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let system = InvokSystem(world: world, logger: logger)
        try await system.recover()
        let ports = AsyncStream<Int>.makeStream()
        let server = InvokServer(
            system: system, configuration: configuration, transport: instances, logger: logger
        ) { port in
            ports.continuation.yield(port)
        }
        let group = ServiceGroup(configuration: .init(services: [.init(service: server)], logger: logger))
        let background = Task { await system.run() }
        defer { background.cancel() }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { ports.continuation.finish() }
                try await group.run()
            }
            var iterator = ports.stream.makeAsyncIterator()
            if let port = await iterator.next() {
                let result: Result<Void, any Error>
                do {
                    result = .success(try await body(TestServer(port: port, sim: sim, system: system, tls: tls)))
                } catch {
                    result = .failure(error)
                }
                await group.triggerGracefulShutdown()
                try await tasks.next()
                try result.get()
            }
            try await tasks.waitForAll()
        }
    }

    // MARK: Calls

    /// Sends one request on a connection of its own.
    func call(
        _ method: HTTPRequest.Method, _ path: String, token: String? = nil, fields: [(String, String)] = [],
        body: String? = nil
    ) async throws -> WireAnswer {
        try await WireClient.with(port: port, tls: tls) { client in
            var fields = fields + [("Connection", "close")]
            if let token { fields.append(("Authorization", "Bearer \(token)")) }
            try await client.send(method, path, fields: fields, body: body)
            return try #require(try await client.answer(to: method))
        }
    }

    /// Makes an account.
    func register(_ email: String = "a@example.com") async throws -> AuthResponse {
        let body = #"{"email":"\#(email)","password":"correct horse"}"#
        let answer = try await call(.post, "/auth/register", body: body)
        #expect(answer.status == 201)
        return try answer.decode(AuthResponse.self)
    }

    /// Deploys a simulated function.
    @discardableResult
    func deploy(
        _ directive: String, name: String = "hello", access: String = "public", cors: String = "[]",
        limits: String = noRate, token: String
    ) async throws -> DeployResponse {
        let answer = try await call(
            .post, "/invok/deploy?access=\(access)", token: token, fields: [Self.multipart],
            body: Self.upload(directive, name: name, cors: cors, limits: limits))
        #expect(answer.status == 200, "\(answer.body)")
        return try answer.decode(DeployResponse.self)
    }

    /// Tests send more from one address than a stranger may.
    static let noRate = #""ratePerCaller":0"#
    static let multipart = ("Content-Type", "multipart/form-data; boundary=XX")

    /// A multipart body with the archive of a function.
    static func upload(
        _ directive: String, name: String = "hello", cors: String = "[]", limits: String = noRate
    ) -> String {
        var zip = ZipWriter()
        let config =
            #"{"function_name":"\#(name)","runtime":"python","cors":\#(cors),"limits":{\#(limits)}}"#
        zip.add("config.json", content: Array(config.utf8))
        zip.add("function.py", content: Array("# sim: \(directive)\n".utf8))
        // The stored archive of short texts is sent as Latin-1 text here, a byte a character.
        let archive = String(String.UnicodeScalarView(zip.finish().map { Unicode.Scalar($0) }))
        return "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(name).zip\"\r\n"
            + "Content-Type: application/zip\r\n\r\n\(archive)\r\n--XX--\r\n"
    }
}

/// An answer as it came over the wire.
struct WireAnswer: Sendable {
    let status: Int
    /// By name in lower case.
    let fields: [String: String]
    let body: String

    func decode<Message: Decodable>(_ type: Message.Type) throws -> Message {
        try JSONDecoder().decode(type, from: Data(body.utf8))
    }

    var problem: ProblemMessage? { try? decode(ProblemMessage.self) }
}

/// A client that shows what is on the wire. Text is Latin-1: a byte a character.
struct WireClient: Sendable {
    private let connection: ByteConnection

    private init(_ connection: ByteConnection) { self.connection = connection }

    static func with<Value: Sendable>(
        port: Int, tls: TLSClient? = nil, _ body: @Sendable (WireClient) async throws -> Value
    ) async throws -> Value {
        let connection = try await ByteConnection.connect(port: port, tls: tls)
        let value = try await body(WireClient(connection))
        try? await connection.close()
        return value
    }

    func send(_ text: String) async throws {
        try await connection.write(text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
    }

    func send(
        _ method: HTTPRequest.Method, _ path: String, fields: [(String, String)] = [], body: String? = nil
    ) async throws {
        var head = "\(method.rawValue) \(path) HTTP/1.1\r\nHost: localhost\r\n"
        for (name, value) in fields { head += "\(name): \(value)\r\n" }
        if let body { head += "Content-Length: \(body.unicodeScalars.count)\r\n" }
        try await send(head + "\r\n" + (body ?? ""))
    }

    /// Ends the sending; what comes is still read.
    func finish() async throws { try await connection.finish() }

    /// Ends the connection by a reset.
    func reset() async throws { try await connection.reset() }

    /// Drops so many bytes.
    /// - Returns: how many there were until the connection ended.
    func skip(_ count: Int) async throws -> Int { try await connection.skip(count) }

    /// The next answer, or `nil` when the connection ends before its head is whole. Informational ones are answers too.
    func answer(to method: HTTPRequest.Method = .get) async throws -> WireAnswer? {
        guard let head = try await text(through: "\r\n\r\n") else { return nil }
        var lines = head.split(separator: "\r\n").map(String.init)
        let status = Int(lines.removeFirst().split(separator: " ").dropFirst().first ?? "") ?? 0
        var fields: [String: String] = [:]
        for line in lines {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        var body = ""
        if method == .head || status < 200 || status == 204 || status == 304 {
        } else if fields["transfer-encoding"] == "chunked" {
            while let size = try await text(through: "\r\n") {
                guard let count = Int(size.dropLast(), radix: 16), let chunk = try await text(count: count + 2) else {
                    return nil
                }
                if count == 0 { break }
                body += String(chunk.unicodeScalars.prefix(count))
            }
        } else if let length = fields["content-length"].flatMap({ Int($0) }) {
            guard let text = try await text(count: length) else { return nil }
            body = text
        }
        return WireAnswer(status: status, fields: fields, body: body)
    }

    /// All up to and with a mark, or `nil` when the connection ends before it.
    func text(through mark: String) async throws -> String? {
        try await connection.bytes(through: mark).map(Self.latin1)
    }

    private func text(count: Int) async throws -> String? { try await connection.bytes(count).map(Self.latin1) }

    /// All that comes until the server closes.
    func rest() async throws -> String { Self.latin1(try await connection.rest()) }

    /// Waits until the server has closed.
    func closed() async throws { try await connection.closed() }

    private static func latin1(_ bytes: [UInt8]) -> String {
        String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }
}
