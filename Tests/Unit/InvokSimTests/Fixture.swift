import HTTPTypes
import Invok
import InvokSim
import Synchronization
import TestSupport

/// A world with functions made of directives.
struct Fixture {
    let world = SimWorld(seed: 1)
    let function: FunctionKey

    init() throws {
        function = FunctionKey(namespace: Namespace(high: 1, low: 1), name: try FunctionName("hello"))
    }

    static func source(_ directives: String...) throws -> (SourceArchive, Digest) {
        let text = directives.map { "# sim: \($0)\n" }.joined()
        let config = #"{"function_name":"hello","runtime":"python","env":{"COLOUR":"blue"}}"#
        let source = try SourceArchive(entries: [
            ArchiveEntry(path: "config.json", kind: .file, content: Array(config.utf8)),
            ArchiveEntry(path: "function.py", kind: .file, content: Array("import os\n\(text)\nx = 1\n".utf8)),
        ])
        return (source, Digest(of: text.utf8))
    }

    /// Builds and starts an instance of a function with these directives.
    func start(_ directives: String..., ordinal: UInt32 = 1) async throws -> RunningInstance {
        let (source, artifact) = try Self.source(directives.joined(separator: "\n# sim: "))
        let bundle = try await world.builder.build(source, artifact: artifact, of: function.namespace).bundle
        let version = VersionKey(function: function, number: 3)
        let settings = VersionSettings(
            runtime: .python, environment: source.config.environment, limits: source.config.limits)
        return try await world.engine.start(
            InstanceSpec(
                id: InstanceID(version: version, ordinal: ordinal), version: version, settings: settings,
                bundle: bundle))
    }

    /// Sends a request and returns the whole answer.
    func call(
        _ instance: RunningInstance, _ method: HTTPRequest.Method = .get, _ path: String = "/hello",
        headers: HTTPFields = [:], body: [[UInt8]] = []
    ) async throws -> RecordingSink {
        let sink = RecordingSink()
        let head = HTTPRequest(method: method, scheme: nil, authority: nil, path: path, headerFields: headers)
        let request = InvocationRequest(head: head, body: ListBody(body))
        try await world.transport.exchange(request, with: instance.endpoint, sink: sink)
        return sink
    }
}

final class ListBody: RequestBody {
    private let chunks: Mutex<ArraySlice<[UInt8]>>

    init(_ chunks: [[UInt8]]) { self.chunks = Mutex(chunks[...]) }

    var isEmpty: Bool { chunks.withLock { $0.isEmpty } }
    func next() async throws -> [UInt8]? { chunks.withLock { $0.popFirst() } }
}
