import Foundation
import HTTPTypes
import Invok
import InvokSim
import Logging
import ServiceLifecycle
import TestSupport
import Testing

@testable import InvokAPI

/// `/metrics` as Prometheus and others ask for it.
@Suite(.timeLimit(.minutes(1)))
struct MetricsServerTests {
    /// Runs a server for metrics beside one for functions, one of which was called.
    private func run(
        hosts: HostRules? = nil, _ body: @escaping @Sendable (TestServer, _ port: Int) async throws -> Void
    ) async throws {
        let hosts = try hosts ?? HostRules(listener: "127.0.0.1")
        try await TestServer.run { server in
            let user = try await server.register()
            let path = try await server.deploy("hello hi", token: user.token).path
            for _ in 0..<3 { #expect(try await server.call(.get, path).status == 200) }
            let ports = AsyncStream<Int>.makeStream()
            let use = ProcessUse(
                processorSeconds: 1.5, residentBytes: 1 << 20, virtualBytes: 1 << 30, openDescriptors: 7,
                maximumDescriptors: 1024, startedAt: 1_700_000_000)
            let metrics = MetricsServer(
                system: server.system, address: MetricsAddress(port: 0), hosts: hosts, process: { use },
                onListening: { ports.continuation.yield($0) })
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let group = ServiceGroup(configuration: .init(services: [.init(service: metrics)], logger: logger))
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    defer { ports.continuation.finish() }
                    try await group.run()
                }
                for await port in ports.stream {
                    let result: Result<Void, any Error>
                    do { result = .success(try await body(server, port)) } catch { result = .failure(error) }
                    await group.triggerGracefulShutdown()
                    try await tasks.next()
                    try result.get()
                }
                try await tasks.waitForAll()
            }
        }
    }

    private func call(
        _ method: HTTPRequest.Method = .get, _ path: String = "/metrics", port: Int, fields: [(String, String)] = []
    ) async throws -> WireAnswer {
        try await WireClient.with(port: port) { client in
            try await client.send(method, path, fields: fields)
            return try #require(try await client.answer(to: method))
        }
    }

    /// Runs a program on what is given to it.
    private func run(_ tool: String, _ arguments: [String], on input: [UInt8]) async throws -> (Int32, Data) {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try Data(input).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(filePath: try InstalledTool.path(of: tool))
        process.arguments = arguments
        process.standardInput = try FileHandle(forReadingFrom: file)
        let output = Pipe()
        (process.standardOutput, process.standardError) = (output, output)
        let ended = ProcessEnd(of: process)
        try process.run()
        let said = try output.fileHandleForReading.readToEnd() ?? Data()
        await ended.wait()
        return (process.terminationStatus, said)
    }

    @Test func prometheusFindsNothingToSayAgainstIt() async throws {
        try await run { _, port in
            let answer = try await call(port: port)
            #expect(answer.status == 200)
            #expect(answer.fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            let (status, said) = try await run("promtool", ["check", "metrics"], on: Array(answer.body.utf8))
            #expect(status == 0 && said.isEmpty, "\(String(decoding: said, as: UTF8.self))")
            #expect(answer.body.contains(#",function="hello",status="2xx"} 3"#))
            #expect(answer.body.contains("process_resident_memory_bytes 1048576\n"))
            // It can find something.
            let (refused, why) = try await run("promtool", ["check", "metrics"], on: Array("a_total x\n".utf8))
            #expect(refused != 0 && !why.isEmpty)
        }
    }

    @Test func compressedItIsTheSame() async throws {
        try await run { _, port in
            let answer = try await call(port: port, fields: [("Accept-Encoding", "gzip")])
            #expect(answer.fields["content-encoding"] == "gzip")
            let bytes = answer.body.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
            let (status, text) = try await run("gzip", ["-dc"], on: bytes)
            let plain = try await call(port: port).body
            let families = { (text: String) in text.split(separator: "\n").filter { $0.hasPrefix("# TYPE") } }
            #expect(status == 0 && families(String(decoding: text, as: UTF8.self)) == families(plain))
            #expect(bytes.count * 3 < plain.utf8.count)
        }
    }

    @Test func openMetricsForWhoNamesIt() async throws {
        try await run { _, port in
            let answer = try await call(
                port: port, fields: [("Accept", "application/openmetrics-text; version=1.0.0")])
            #expect(answer.fields["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8")
            #expect(answer.body.hasSuffix("\n# EOF\n"))
        }
    }

    @Test func onlyMetricsAreThere() async throws {
        try await run { server, port in
            #expect(try await call(.get, "/metrics?x", port: port).status == 200)
            let head = try await call(.head, port: port)
            #expect(head.status == 200 && head.body.isEmpty)
            for path in ["/", "/metrics/", "/healthz", "/invok/list"] {
                #expect(try await call(.get, path, port: port).status == 404, "\(path)")
            }
            let post = try await call(.post, port: port)
            #expect(post.status == 405 && post.fields["allow"] == "GET, HEAD")
            #expect(try await server.call(.get, "/metrics").status == 404, "and they are nowhere else")
        }
    }

    @Test func aPageElsewhereDoesNotReachItByAName() async throws {
        try await run { _, port in
            try await WireClient.with(port: port) { client in
                try await client.send("GET /metrics HTTP/1.1\r\nHost: rebound.example\r\n\r\n")
                #expect(try await client.answer()?.status == 421)
            }
        }
        try await run(hosts: try HostRules(listener: "192.0.2.7")) { _, port in
            try await WireClient.with(port: port) { client in
                try await client.send("GET /metrics HTTP/1.1\r\nHost: core.internal\r\n\r\n")
                #expect(try await client.answer()?.status == 200)
            }
        }
    }

    @Test func whatIsNoRequestIsRefused() async throws {
        try await run { _, port in
            try await WireClient.with(port: port) { client in
                try await client.send("GET /metrics HTTP/1.1\r\nHost : x\r\n\r\n")
                #expect(try await client.answer()?.status == 400)
            }
        }
    }

    @Test(arguments: [
        ("127.0.0.1:9464", "127.0.0.1", 9464), ("[::1]:0", "::1", 0), ("localhost:80", "localhost", 80),
        ("0.0.0.0:9464", "0.0.0.0", 9464),
    ])
    func anAddressIsAHostAndAPort(text: String, host: String, port: Int) {
        #expect(MetricsAddress(text) == MetricsAddress(host: host, port: port))
    }

    @Test(arguments: ["9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "http://127.0.0.1:9464", "a b", ":1"])
    func otherTextIsNone(text: String) { #expect(MetricsAddress(text) == nil) }
}
