public import HTTPTypes

/// Speaks HTTP to an instance.
public protocol InstanceTransport: Sendable {
    /// Sends the request, streaming its body, and streams the answer into the sink; both at the same time, since a
    /// function may answer before it has read everything. Returns when the answer has ended; the rest of a request body
    /// that the function did not want is left unread.
    ///
    /// Cancelling the task ends the exchange at once, for the caller: the instance is told, by the end of the request, that
    /// nobody waits any more, and may work on all the same.
    ///
    /// A request whose head has `Upgrade`, without a body, offers the function to go on in another protocol (RFC 9110 §7.8).
    /// Where it takes that, the sink gets a head of 101, and then what the function sends, to its end; the function gets what
    /// `body` gives from then on, to its end. Cancelling closes such a tunnel.
    /// - Parameter workEnded: called once when the exchange was cut short, which is to say that `cancelled` or `clientGone`
    ///   is thrown: as soon as the instance has done with it, by what its side of the connection shows. That may be before
    ///   the throw, and long after it.
    /// - Throws: `TransportError`; after the sink has been given a head, the answer is to be taken as cut off.
    func exchange(
        _ request: InvocationRequest, with endpoint: InstanceEndpoint, sink: any ResponseSink,
        workEnded: @escaping @Sendable () -> Void
    ) async throws(TransportError)
}

extension InstanceTransport {
    /// An exchange of which nobody needs to know how long the instance works on when it is cut short.
    public func exchange(
        _ request: InvocationRequest, with endpoint: InstanceEndpoint, sink: any ResponseSink
    ) async throws(TransportError) {
        try await exchange(request, with: endpoint, sink: sink, workEnded: {})
    }
}

/// A request as the function shall see it.
public struct InvocationRequest: Sendable {
    /// The method, the path with the query (`/hello-world/a/b?q`), and the headers. `Upgrade` is among them only where the
    /// function shall get it.
    public let head: HTTPRequest
    public let body: any RequestBody

    public init(head: HTTPRequest, body: any RequestBody) {
        self.head = head
        self.body = body
    }
}

/// A request's body as it arrives. Read by one task at a time.
public protocol RequestBody: AnyObject, Sendable {
    /// Whether there can be any bytes, those in a tunnel aside: false when the request has neither a length over 0 nor chunks.
    var isEmpty: Bool { get }
    /// The next bytes, or `nil` at the end.
    /// - Throws: when the client went away, or the task is cancelled.
    func next() async throws -> [UInt8]?
}

/// Where an answer goes. Called in order: one head, chunks, and then nothing or the end; in a tunnel the end is that of the
/// function's sending. Returning late holds the
/// function back: that is the backpressure.
public protocol ResponseSink: AnyObject, Sendable {
    func writeHead(_ head: HTTPResponse) async throws
    func writeChunk(_ bytes: [UInt8]) async throws
    /// The answer was whole.
    func finish(trailers: HTTPFields?) async throws
}

public enum TransportError: Error, Hashable, Sendable {
    /// Nothing was sent that the function could have acted on; trying elsewhere is safe.
    case refused(String)
    /// The instance died or spoke nonsense in the middle.
    case broken(String)
    /// The client went away: reading the request's body or writing the answer failed.
    case clientGone
    case cancelled
    /// The request cannot be written as HTTP/1.1; nothing was sent.
    case malformed(String)
    /// This machine has nothing left to make a connection with, such as descriptors; nothing was sent.
    case exhausted(String)
}

/// A body without bytes.
public final class EmptyBody: RequestBody {
    public init() {}
    public var isEmpty: Bool { true }
    public func next() async throws -> [UInt8]? { nil }
}
