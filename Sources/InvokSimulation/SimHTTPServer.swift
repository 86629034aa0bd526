public import HTTPTypes
public import Invok
import InvokAPI
import InvokProxy
public import InvokSim
import Logging
import Synchronization

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
        try await responder.respond(to: head, body: SentBody(body, of: head, on: connection), on: connection)
    }
}

extension SimConnection: ClientConnection {}

/// A body as it comes from a client: in pieces, until somebody closes. Behind a request for an upgrade it is what the client
/// sends in the tunnel.
private final class SentBody: RequestBody {
    let isEmpty: Bool
    private let rest: Mutex<ArraySlice<UInt8>>
    private let connection: SimConnection

    init(_ bytes: [UInt8], of head: HTTPRequest, on connection: SimConnection) {
        isEmpty = bytes.isEmpty || head.offeredUpgrade != nil
        rest = Mutex(bytes[...])
        self.connection = connection
    }

    func next() async throws -> [UInt8]? {
        try await connection.waitForPiece()
        return rest.withLock { rest in
            guard !rest.isEmpty else { return nil }
            defer { rest = rest.dropFirst(connection.pieceBytes) }
            return Array(rest.prefix(connection.pieceBytes))
        }
    }
}
