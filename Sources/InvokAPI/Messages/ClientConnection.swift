public import HTTPTypes
public import Hummingbird
public import Invok

/// A client's connection, as far as the answer to one request needs it. What lies below — sockets, the parsing and the
/// framing of messages, time limits for slow clients — is another's: the server's, or a simulation's, which has none.
public protocol ClientConnection: ResponseSink {
    /// The client's address without its port, or `unknown`.
    var client: String { get }
    /// Tells a client that sent `Expect: 100-continue` to go on.
    func sendContinue()
    /// Ends the connection. An answer that has begun and is not whole is thereby cut off.
    func close()
    /// Has it told, once, when the client goes before the answer has ended; at once when it has gone already.
    func whenClientGoes(_ tell: @escaping @Sendable () -> Void)
    /// Writes an answer whose body is there, or makes itself.
    func write(_ head: HTTPResponse, _ body: ResponseBody) async throws
    /// Runs what has no end of its own until the client stops sending.
    func untilInputEnds(of request: Request, _ operation: @escaping @Sendable () async throws -> Void) async throws
}

extension ClientConnection {
    public func write(_ head: HTTPResponse, _ body: ResponseBody) async throws {
        try await writeHead(head)
        try await body.write(ResponseSinkWriter(sink: self))
    }

    public func untilInputEnds(
        of request: Request, _ operation: @escaping @Sendable () async throws -> Void
    ) async throws {
        let call = CancellableCall()
        whenClientGoes { call.cancel() }
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
