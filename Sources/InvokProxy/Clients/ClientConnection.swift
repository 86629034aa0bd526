import Invok

/// A client's connection, as far as the answer to one request needs it. What lies below — sockets, the parsing and the
/// framing of messages, time limits for slow clients — is another's: the server's, or a simulation's, which has none.
package protocol ClientConnection: ResponseSink {
    /// The client's address without its port, or `unknown`.
    var client: String { get }
    /// Ends the connection. An answer that has begun and is not whole is thereby cut off.
    func close()
    /// Has it told, once, when the client goes before the answer has ended; at once when it has gone already.
    func whenClientGoes(_ tell: @escaping @Sendable () -> Void)
    /// The same when the client ends its sending: it may have gone.
    func whenInputEnds(_ tell: @escaping @Sendable () -> Void)
}

extension ClientConnection {
    package func whenInputEnds(_ tell: @escaping @Sendable () -> Void) { whenClientGoes(tell) }
}
