import HTTPTypes
import Hummingbird
import Invok
import InvokProxy
import NIOCore

extension ClientConnection {
    /// Writes an answer whose body is there, or makes itself.
    func write(_ head: HTTPResponse, _ body: ResponseBody) async throws {
        try await writeHead(head)
        try await body.write(ResponseSinkWriter(sink: self))
    }

    /// Runs what has no end of its own until the client stops sending.
    func untilInputEnds(_ operation: @escaping @Sendable () async throws -> Void) async throws {
        let call = CancellableCall()
        whenInputEnds { call.cancel() }
        try await call.run { () async -> Result<Void, any Error> in
            do {
                return .success(try await operation())
            } catch {
                return .failure(error)
            }
        }.get()
    }
}

/// A sink as Hummingbird's bodies write to one.
private struct ResponseSinkWriter: ResponseBodyWriter {
    let sink: any ResponseSink

    func write(_ buffer: ByteBuffer) async throws { try await sink.writeChunk(Array(buffer.readableBytesView)) }
    consuming func finish(_ trailers: HTTPFields?) async throws { try await sink.finish(trailers: trailers) }
}

/// A request's body as a sequence, for the routes of the API.
struct RequestBodyChunks: AsyncSequence, Sendable {
    let body: any Invok.RequestBody

    struct AsyncIterator: AsyncIteratorProtocol {
        let body: any Invok.RequestBody

        mutating func next() async throws -> ByteBuffer? {
            do {
                return try await body.next().map { ByteBuffer(bytes: $0) }
            } catch {
                throw InvokError.invalidRequest("the body of the request broke off")
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: body) }
}
