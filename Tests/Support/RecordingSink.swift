public import HTTPTypes
public import Invok
import Synchronization

/// Keeps an answer.
public final class RecordingSink: ResponseSink {
    private struct State: Sendable {
        var head: HTTPResponse?
        var body: [UInt8] = []
        var isFinished = false
    }

    private let state = Mutex(State())

    public init() {}

    public var head: HTTPResponse? { state.withLock { $0.head } }
    public var body: [UInt8] { state.withLock { $0.body } }
    public var text: String { String(decoding: body, as: UTF8.self) }
    public var isFinished: Bool { state.withLock { $0.isFinished } }

    public func header(_ name: String) -> String? {
        HTTPField.Name(name).flatMap { head?.headerFields[$0] }
    }

    public func writeHead(_ head: HTTPResponse) async throws { state.withLock { $0.head = head } }
    public func writeChunk(_ bytes: [UInt8]) async throws { state.withLock { $0.body += bytes } }
    public func finish(trailers: HTTPFields?) async throws { state.withLock { $0.isFinished = true } }
}
