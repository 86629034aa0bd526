import HTTPTypes
import Hummingbird
import HummingbirdCore
import Invok
import NIOCore
import NIOHTTPTypes
import Synchronization

/// The answer to one request on its connection: written whole, or as it comes from a function.
///
/// Unchecked, since the writers are not marked as sendable; one task writes at a time, in the scope of the request.
final class Answer: ResponseSink, @unchecked Sendable {
    struct Summary: Sendable {
        var status: Int?
        var bytes = 0
        var isWhole = false
    }

    private let channel: any Channel
    private let decorate: @Sendable (inout HTTPResponse) -> Void
    private var writer: ResponseWriter?
    private var bodyWriter: (any ResponseBodyWriter)?
    private let state = Mutex(Summary())

    /// - Parameter decorate: adds what every answer carries to a head.
    init(
        writer: consuming ResponseWriter, channel: any Channel,
        decorate: @escaping @Sendable (inout HTTPResponse) -> Void
    ) {
        self.writer = consume writer
        self.channel = channel
        self.decorate = decorate
    }

    var summary: Summary { state.withLock { $0 } }
    var hasBegun: Bool { summary.status != nil }

    /// Tells a client that sent `Expect: 100-continue` to go on, unless the answer has begun. From any task: a head that
    /// follows is handed to the event loop later and so is written later.
    func sendContinue() {
        state.withLock { state in
            guard state.status == nil else { return }
            channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue)), promise: nil)
        }
    }

    /// Writes an answer that is not yet begun.
    func write(_ response: Response) async throws {
        guard let writer = begin(response.head) else { return }
        var head = response.head
        decorate(&head)
        if let length = response.body.contentLength {
            head.headerFields[.contentLength] = head.headerFields[.contentLength] ?? String(length)
            state.withLock { $0.bytes = length }
        }
        try await writer.write(response: head, body: response.body)
        state.withLock { $0.isWhole = true }
    }

    func writeHead(_ head: HTTPResponse) async throws {
        guard let writer = begin(head) else { return }
        var head = head
        decorate(&head)
        bodyWriter = try await writer.writeHead(head)
    }

    func writeChunk(_ bytes: [UInt8]) async throws {
        guard var writer = bodyWriter else { return }
        try await writer.write(ByteBuffer(bytes: bytes))
        state.withLock { $0.bytes += bytes.count }
    }

    func finish(trailers: HTTPFields?) async throws {
        guard let writer = bodyWriter.take() else { return }
        try await writer.finish(trailers)
        state.withLock { $0.isWhole = true }
    }

    private func begin(_ head: HTTPResponse) -> ResponseWriter? {
        state.withLock { $0.status = head.status.code }
        return writer.take()
    }
}
