public import HTTPTypes
import Hummingbird
public import Invok
import InvokAPI
public import InvokSim
import Logging
import NIOCore

/// The control API and the invoke path as simulated cores serve them: all of the real server that lies above its
/// sockets, called in process.
public struct SimHTTPServer: SimServer {
    private let responder: ServerResponder

    public init(_ system: InvokSystem) {
        responder = ServerResponder(
            system: system, configuration: ServerConfiguration(world: ["store": "sim"]),
            logger: Logger(label: "sim") { _ in SwiftLogNoOpLogHandler() })
    }

    public func respond(to head: HTTPRequest, body: [UInt8], on connection: SimConnection) async throws {
        let request = Request(
            head: head, body: RequestBody(asyncSequence: SentBody(bytes: body, connection: connection)))
        try await responder.respond(to: request, on: connection)
    }
}

extension SimConnection: ClientConnection {}

/// A body as it comes from a client: in pieces, until somebody closes.
private struct SentBody: AsyncSequence, Sendable {
    let bytes: [UInt8]
    let connection: SimConnection

    struct AsyncIterator: AsyncIteratorProtocol {
        var rest: ArraySlice<UInt8>
        let connection: SimConnection

        mutating func next() async throws -> ByteBuffer? {
            try await connection.waitForPiece()
            guard !rest.isEmpty else { return nil }
            defer { rest = rest.dropFirst(connection.pieceBytes) }
            return ByteBuffer(bytes: rest.prefix(connection.pieceBytes))
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rest: bytes[...], connection: connection) }
}
