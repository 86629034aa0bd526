import HTTPTypes
import Hummingbird
import HummingbirdCore
import Invok
import NIOCore
import NIOHTTPTypes

/// A connection of the server.
///
/// Unchecked, since the writers are not marked as sendable; one task writes at a time, in the scope of the request.
final class ChannelConnection: ClientConnection, @unchecked Sendable {
    private let channel: any Channel
    private var writer: ResponseWriter?
    private var bodyWriter: (any ResponseBodyWriter)?

    init(_ channel: any Channel, writer: consuming ResponseWriter) {
        self.channel = channel
        self.writer = consume writer
    }

    var client: String { channel.remoteAddress?.ipAddress ?? "unknown" }

    /// From any task: a head that follows is handed to the event loop later and so is written later.
    func sendContinue() {
        channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue)), promise: nil)
    }

    func close() { channel.close(promise: nil) }

    func whenClientGoes(_ tell: @escaping @Sendable () -> Void) {
        let promise = channel.eventLoop.makePromise(of: Void.self)
        // The channel that has closed has no handlers any more.
        promise.futureResult.whenFailure { _ in tell() }
        channel.triggerUserOutboundEvent(ClientWatch(onGone: tell), promise: promise)
    }

    func untilInputEnds(
        of request: Request, _ operation: @escaping @Sendable () async throws -> Void
    ) async throws {
        // A body has a reader of its own already.
        guard !request.declaresBody else { return try await operation() }
        try await request.body.consumeWithCancellationOnInboundClose { _ in try await operation() }
    }

    // MARK: The answer

    func write(_ head: HTTPResponse, _ body: ResponseBody) async throws {
        guard let writer = writer.take() else { return }
        try await writer.write(response: head, body: body)
    }

    func writeHead(_ head: HTTPResponse) async throws {
        guard let writer = writer.take() else { return }
        bodyWriter = try await writer.writeHead(head)
    }

    func writeChunk(_ bytes: [UInt8]) async throws {
        guard var writer = bodyWriter else { return }
        try await writer.write(ByteBuffer(bytes: bytes))
    }

    func finish(trailers: HTTPFields?) async throws {
        guard let writer = bodyWriter.take() else { return }
        try await writer.finish(trailers)
    }
}
