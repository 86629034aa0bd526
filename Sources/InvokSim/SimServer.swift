public import HTTPTypes
public import Invok

/// A core's HTTP server without its sockets: the way in for all who use a simulated core.
///
/// The server itself is given from outside (`SimHTTPServer`), so that these adapters do not depend on any HTTP library.
public protocol SimServer: Sendable {
    /// Answers one request.
    /// - Throws: when the answer was cut off.
    func respond(to head: HTTPRequest, body: [UInt8], on connection: SimConnection) async throws
}

/// Makes the server of a core that starts.
public typealias SimServerMaker = @Sendable (InvokSystem) -> any SimServer
