import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Why the server cannot listen, for the operator.
public struct ServerError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    /// - Parameters:
    ///   - taken: what to do where another program listens there.
    ///   - elsewhere: what to do where the machine has no such address.
    init(_ error: any Error, host: String, port: Int, taken: String, elsewhere: String) {
        let address = "\(host):\(port)"
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE: description = "\(address) is in use by another program; \(taken)"
        case EACCES, EPERM:
            description = "\(address) may not be listened on by this user; take a port over 1023: \(elsewhere)"
        case EADDRNOTAVAIL: description = "\(host) is not an address of this machine; \(elsewhere)"
        default: description = "cannot listen on \(address): \(error); \(elsewhere)"
        }
    }
}
