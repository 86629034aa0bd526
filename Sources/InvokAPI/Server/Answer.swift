import HTTPTypes
import Hummingbird
import Invok
import InvokProxy
import Synchronization

/// The answer to one request on its connection: written whole, or as it comes from a function.
final class Answer: ResponseSink {
    private let connection: any ClientConnection
    private let takesTrailers: Bool
    private let decorate: @Sendable (inout HTTPResponse) -> Void
    private let state = Mutex(AnswerSummary())

    /// - Parameters:
    ///   - takesTrailers: whether the client has asked for them.
    ///   - decorate: adds what every answer carries to a head.
    init(
        on connection: any ClientConnection, takesTrailers: Bool,
        decorate: @escaping @Sendable (inout HTTPResponse) -> Void
    ) {
        self.connection = connection
        self.takesTrailers = takesTrailers
        self.decorate = decorate
    }

    var summary: AnswerSummary { state.withLock { $0 } }
    var hasBegun: Bool { summary.status != nil }

    /// Writes an answer that is not yet begun.
    func write(_ response: Response) async throws {
        guard begin(response.head) else { return }
        var head = response.head
        decorate(&head)
        if let length = response.body.contentLength {
            head.headerFields[.contentLength] = head.headerFields[.contentLength] ?? String(length)
            state.withLock { $0.bytes = length }
        }
        try await connection.write(head, response.body)
        state.withLock { $0.isWhole = true }
    }

    func writeHead(_ head: HTTPResponse) async throws {
        guard begin(head) else { return }
        var head = head
        decorate(&head)
        try await connection.writeHead(head)
    }

    func writeChunk(_ bytes: [UInt8]) async throws {
        try await connection.writeChunk(bytes)
        state.withLock { $0.bytes += bytes.count }
    }

    func finish(trailers: HTTPFields?) async throws {
        try await connection.finish(trailers: takesTrailers ? trailers.flatMap(TrailerRules.allowed) : nil)
        state.withLock { $0.isWhole = true }
    }

    /// - Returns: `false` when the answer has begun before.
    private func begin(_ head: HTTPResponse) -> Bool {
        state.withLock { state in
            defer { state.status = state.status ?? head.status.code }
            return state.status == nil
        }
    }
}
