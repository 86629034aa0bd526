import AsyncHTTPClient
import Foundation
import Invok
import InvokBuild
import InvokEmbedded
import InvokPOSIX
import InvokRuntimes
import Logging
import NIOCore
import NIOHTTP1
import TestSupport

@testable import InvokDocker

/// An engine and a builder on a data directory of their own, on the tests' Docker or another.
final class DockerFixture: Sendable {
    let directory: String
    let host: DockerHost
    let engine: DockerContainerEngine
    let builder: DockerFunctionBuilder
    let logs: FileLogStore
    let function: FunctionKey
    private let dockerHost: String

    /// - Parameters:
    ///   - directory: of an earlier fixture, as the next core has it.
    ///   - images: settings over those of the environment.
    init(
        dockerHost: String? = nil, directory: String? = nil, function: FunctionKey? = nil,
        images: [String: String] = [:]
    ) throws {
        self.dockerHost = try dockerHost ?? Services.dockerHost()
        self.directory = directory ?? NSTemporaryDirectory() + "invok-docker-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: self.directory, withIntermediateDirectories: true)
        let environment = ProcessInfo.processInfo.environment.merging(images) { $1 }
        let settings = DockerSettings(
            socketPath: try DockerAddress.socketPath(self.dockerHost), images: try DockerImages { environment[$0] },
            dataDirectory: self.directory, cacheDirectory: Self.cacheDirectory)
        logs = try FileLogStore(directory: self.directory + "/logs")
        host = DockerHost(settings: settings, clock: SystemClock())
        let logger = Logger(label: "test")
        engine = DockerContainerEngine(host: host, logs: logs, logger: logger)
        builder = DockerFunctionBuilder(host: host, logger: logger)
        self.function =
            try function
            ?? FunctionKey(namespace: UUIDValue(randomness: SystemRandomness()), name: try FunctionName("hello"))
    }

    /// The same as a core's, so that Go's standard library is compiled once.
    private static let cacheDirectory: String = {
        let environment = ProcessInfo.processInfo.environment
        return (environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "") + "/.cache") + "/invok"
    }()

    /// Runs the body, and takes away what it leaves.
    static func with<Value>(
        dockerHost: String? = nil, images: [String: String] = [:], _ body: (DockerFixture) async throws -> Value
    ) async throws -> Value {
        let fixture = try DockerFixture(dockerHost: dockerHost, images: images)
        do {
            let value = try await body(fixture)
            await fixture.clear()
            return value
        } catch {
            await fixture.clear()
            throw error
        }
    }

    /// What the next core makes of the same data directory and the same Docker.
    func successor() throws -> DockerFixture {
        try DockerFixture(dockerHost: dockerHost, directory: directory, function: function)
    }

    func clear() async {
        for instance in (try? await engine.list()) ?? [] { await engine.stop(instance.id, grace: .zero) }
        for container in (try? await containers()) ?? [] { await engine.remove(container.id, "a test's") }
        await host.close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    // MARK: Functions

    func build(_ source: String, _ runtime: Runtime = .python) async throws -> BundleID {
        let config = #"{"function_name":"hello","runtime":"\#(runtime.rawValue)"}"#
        let archive = try SourceArchive(entries: [
            ArchiveEntry(path: "config.json", kind: .file, content: Array(config.utf8)),
            ArchiveEntry(path: runtime.sourceFileNames[0], kind: .file, content: Array(source.utf8)),
        ])
        return try await builder.build(
            archive, artifact: Digest(of: (config + source).utf8), of: function.namespace
        ).bundle
    }

    /// The image that functions of a runtime run in here.
    static func image(of runtime: Runtime) throws -> String {
        try DockerImages { ProcessInfo.processInfo.environment[$0] }.runner(of: runtime)
    }

    /// A program that runs as a build does, from the start of its container.
    func build(_ program: String, deadlineSeconds: Int) async throws -> CapturedRun {
        let tool = try await host.tool("python3")
        let folder = BuildFolder(path: "\(host.bundlesDirectory)/.tmp-test")
        try folder.stage(["given": [1]])
        defer { try? Files.removeTree(folder.path) }
        var isolation = BuildRun.isolation([:], ["python3", "-c", program], tool)
        folder.offer(to: &isolation, keeping: .folder("function"))
        let receiver = folder.receiver()
        return try await BuildRun(
            isolation: isolation, tool: tool, receiver: receiver, deadlineSeconds: deadlineSeconds
        ).run(in: host)
    }

    func spec(
        _ bundle: BundleID, _ runtime: Runtime = .python, ordinal: UInt32 = 1, environment: [String: String] = [:],
        memoryMB: Int = 128
    ) throws -> InstanceSpec {
        let version = VersionKey(function: function, number: 1)
        let limits = try JSONDecoder().decode(LimitsConfig.self, from: Data(#"{"memoryMB":\#(memoryMB)}"#.utf8))
        let settings = VersionSettings(
            runtime: runtime, environment: try Environment(environment), limits: try Limits(limits))
        return InstanceSpec(
            id: InstanceID(version: version, ordinal: ordinal), version: version, settings: settings, bundle: bundle)
    }

    /// Builds and starts a Python function.
    func start(_ source: String, ordinal: UInt32 = 1, memoryMB: Int = 128) async throws -> RunningInstance {
        try await engine.start(try spec(try await build(source), ordinal: ordinal, memoryMB: memoryMB))
    }

    func texts(_ source: LogLine.Source) async throws -> [String] {
        try await logs.lines(of: function, since: nil, limit: 100_000).map(\.line).filter { $0.source == source }
            .map(\.text)
    }

    /// The engine's identifiers of this installation's containers, running or not.
    func containers() async throws -> [ContainerMessage] {
        try await host.client.decode(
            host.client.call(
                .get, "/containers/json",
                [
                    "all": "1",
                    "filters": DockerContainerEngine.filters([
                        "label": ["invok.owner=\(host.prepared().plan.owner)"]
                    ]),
                ]))
    }

    func container(of instance: RunningInstance) async throws -> String {
        try await containers().first { $0.labels?["invok.instance"] == instance.id.description }?.id ?? ""
    }

    // MARK: Requests

    static func get(_ path: String, from instance: RunningInstance) async throws -> (status: UInt, text: String) {
        guard case .unixSocket(let socket) = instance.endpoint else { return (0, "") }
        var request = HTTPClientRequest(url: "http+unix://\(DockerClient.escaped(socket))\(path)")
        request.headers.add(name: "Host", value: "localhost")
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        return (response.status.code, String(buffer: try await response.body.collect(upTo: 16 << 20)))
    }
}
